//! Time and randomness come from outside, so that a run can be repeated.

/// The clock and the source of randomness that a database uses.
pub trait Environment: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. May step backwards; the database copes.
    fn now_ms(&self) -> u64;

    /// Nanoseconds since some moment, by a clock that does not step back: only differences count. Durations are measured
    /// with it, and nothing else depends on it. By default it is [`Environment::now_ms`], and as coarse.
    fn monotonic_ns(&self) -> u64 {
        self.now_ms().saturating_mul(1_000_000)
    }

    /// Fills `buffer` with random bytes, good enough for keys.
    fn fill_random(&self, buffer: &mut [u8]);
}

/// The host's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostEnvironment;

impl Environment for HostEnvironment {
    #[cfg(not(js))]
    fn now_ms(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis() as u64)
    }

    #[cfg(js)]
    fn now_ms(&self) -> u64 {
        js_sys::Date::now() as u64
    }

    #[cfg(not(js))]
    fn monotonic_ns(&self) -> u64 {
        use std::sync::LazyLock;
        use std::time::Instant;

        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed().as_nanos() as u64
    }

    #[cfg(js)]
    fn monotonic_ns(&self) -> u64 {
        (performance::now() * 1e6) as u64
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the host has no source of randomness");
    }
}

/// The clock of JavaScript hosts that does not step back: milliseconds, with a fraction as fine as the host allows.
#[cfg(js)]
mod performance {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance)]
        pub fn now() -> f64;
    }
}
