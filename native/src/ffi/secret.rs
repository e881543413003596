//! Secret scalars, and scalars from octets.

use blst::*;

use super::{G1, G2Affine};
use crate::error::{Error, Result};

/// A secret scalar in [1, r); blst's type wipes itself when dropped. Constant-time throughout.
pub struct Secret(blst_scalar);

impl Secret {
    /// Takes 32 octets, most significant first.
    pub fn from_octets(octets: &[u8]) -> Result<Secret> {
        let octets: &[u8; 32] = octets.try_into().map_err(|_| Error::InvalidLength)?;
        let mut out = Secret(blst_scalar::default());
        // SAFETY: blst reads 32 octets.
        unsafe { blst_scalar_from_bendian(&mut out.0, octets.as_ptr()) };
        // SAFETY: a valid reference.
        if unsafe { blst_sk_check(&out.0) } { Ok(out) } else { Err(Error::InvalidScalar) }
    }

    /// The 32 octets, most significant first.
    pub fn to_octets(&self) -> [u8; 32] {
        let mut out = self.0.b;
        out.reverse();
        out
    }

    /// This scalar times the generator of G2.
    pub fn public_key(&self) -> G2Affine {
        let (mut point, mut out) = (blst_p2::default(), G2Affine::default());
        // SAFETY: valid references.
        unsafe { blst_sk_to_pk_in_g2(&mut point, &self.0) };
        // SAFETY: valid references.
        unsafe { blst_p2_to_affine(&mut out.0, &point) };
        out
    }

    /// 1 / (this + e), `Degenerate` if there is none. `e` has 32 octets, least significant first.
    pub fn inverse_of_sum(&self, e: &[u8; 32]) -> Result<Secret> {
        let (mut sum, mut out) = (Secret(blst_scalar::default()), Secret(blst_scalar::default()));
        let other = blst_scalar { b: *e };
        // SAFETY: valid references.
        let sound = unsafe { blst_sk_add_n_check(&mut sum.0, &self.0, &other) };
        if !sound {
            return Err(Error::Degenerate);
        }
        // SAFETY: valid references.
        unsafe { blst_sk_inverse(&mut out.0, &sum.0) };
        Ok(out)
    }

    /// A point times this scalar.
    pub fn multiply(&self, point: &G1) -> G1 {
        point.multiply(&self.0.b)
    }
}

/// 1 / scalar modulo r, both of 32 octets, most significant first; constant-time. `InvalidScalar` for 0 and
/// for what is not less than r.
pub fn invert(octets: &[u8]) -> Result<[u8; 32]> {
    let (scalar, mut out) = (Secret::from_octets(octets)?, Secret(blst_scalar::default()));
    // SAFETY: valid references.
    unsafe { blst_sk_inverse(&mut out.0, &scalar.0) };
    Ok(out.to_octets())
}

/// Octets, most significant first, modulo r, as 32 octets, most significant first.
pub fn reduce(octets: &[u8]) -> [u8; 32] {
    let mut out = Secret(blst_scalar::default());
    // SAFETY: the pointer and the length are those of one slice.
    unsafe { blst_scalar_from_be_bytes(&mut out.0, octets.as_ptr(), octets.len()) };
    out.to_octets()
}
