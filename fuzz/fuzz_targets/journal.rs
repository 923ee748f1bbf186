#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrolite::fuzzing::run("journal", data));
