//! The Linux x86_64 contract as types: numbers and layouts, no behaviour.
#![no_std]
#![forbid(unsafe_code)]
