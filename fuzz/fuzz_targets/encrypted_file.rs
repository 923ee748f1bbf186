#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrolite::fuzzing::run("encrypted_file", data));
