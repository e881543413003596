//! BLS12-381 arithmetic for zk-disclosure; `bbs/groups/blst.py` in the Python project adapts it.
//!
//! Arithmetic only: no protocol, no randomness, no I/O. State: the table of known bases in [`bases`], which
//! holds nothing alive.

#![deny(unsafe_code)]

pub mod bases;
pub mod error;
#[allow(unsafe_code)]
pub mod ffi;
pub mod hash;
pub mod msm;
pub mod pairing;
#[cfg(feature = "python")]
mod python;
pub mod scalar;
