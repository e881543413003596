//! The field of the coordinates.

use blst::*;

/// 1 in Montgomery form.
pub(super) const ONE: blst_fp = blst_fp {
    l: [
        0x7609_0000_0002_fffd,
        0xebf4_000b_c40c_0002,
        0x5f48_9857_53c7_58ba,
        0x77ce_5853_7052_5745,
        0x5c07_1a97_a256_ec6d,
        0x15f6_5ec3_fa80_e493,
    ],
};

pub(super) fn subtract(a: &blst_fp, b: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: three valid references to field elements.
    unsafe { blst_fp_sub(&mut out, a, b) };
    out
}

pub(super) fn add(a: &blst_fp, b: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: three valid references to field elements.
    unsafe { blst_fp_add(&mut out, a, b) };
    out
}

pub(super) fn multiply(a: &blst_fp, b: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: three valid references to field elements.
    unsafe { blst_fp_mul(&mut out, a, b) };
    out
}

/// The inverse, constant-time; 0 for 0.
pub(super) fn invert(a: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: valid references to field elements.
    unsafe { blst_fp_inverse(&mut out, a) };
    out
}
