//! Points of G2.

use blst::*;

use super::checked;
use crate::error::{Error, Result};

/// A point of G2 in affine coordinates; the identity is (0, 0).
#[derive(Clone, Copy, Default)]
pub struct G2Affine(pub(super) blst_p2_affine);

impl G2Affine {
    /// The generator.
    pub fn generator() -> G2Affine {
        // SAFETY: blst returns the address of a constant of static lifetime.
        G2Affine(unsafe { *blst_p2_affine_generator() })
    }

    /// Decodes 96 octets in compressed form, checked: canonical, on the curve, in the subgroup.
    pub fn decode(octets: &[u8], identity: bool) -> Result<G2Affine> {
        let octets: &[u8; 96] = octets.try_into().map_err(|_| Error::InvalidLength)?;
        let mut out = G2Affine::default();
        // SAFETY: blst reads 96 octets and writes one point.
        checked(unsafe { blst_p2_uncompress(&mut out.0, octets.as_ptr()) })?;
        if out.is_identity() {
            return if identity { Ok(out) } else { Err(Error::IdentityPoint) };
        }
        // SAFETY: a valid reference to a point of the curve.
        if !unsafe { blst_p2_affine_in_g2(&out.0) } {
            return Err(Error::NotInSubgroup);
        }
        Ok(out)
    }

    /// Encodes in compressed form.
    pub fn encode(&self) -> [u8; 96] {
        let mut out = [0; 96];
        // SAFETY: blst writes 96 octets.
        unsafe { blst_p2_affine_compress(out.as_mut_ptr(), &self.0) };
        out
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        // SAFETY: a valid reference to a point.
        unsafe { blst_p2_affine_is_inf(&self.0) }
    }

    /// Whether the two are the same point.
    pub fn equals(&self, other: &G2Affine) -> bool {
        self.0 == other.0
    }

    /// The opposite point.
    pub fn negate(&self) -> G2Affine {
        let mut out = *self;
        for (coordinate, from) in out.0.y.fp.iter_mut().zip(&self.0.y.fp) {
            // SAFETY: valid references to field elements.
            unsafe { blst_fp_cneg(coordinate, from, true) };
        }
        out
    }
}
