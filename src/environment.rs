//! Time and randomness come from outside, so that a run can be repeated.

/// The clock and the source of randomness that a database uses.
pub trait Environment: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. May step backwards; the database copes.
    fn now_ms(&self) -> u64;

    /// Fills `buffer` with random bytes, good enough for keys.
    fn fill_random(&self, buffer: &mut [u8]);
}

/// The host's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostEnvironment;

impl Environment for HostEnvironment {
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    fn now_ms(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis() as u64)
    }

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    fn now_ms(&self) -> u64 {
        js_sys::Date::now() as u64
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the host has no source of randomness");
    }
}
