#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim_rekey::fuzz::filter(bytes));
