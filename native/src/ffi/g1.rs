//! Points of G1.

use blst::*;

use super::{checked, field::multiply};
use crate::error::{Error, Result};

/// A point of G1 in Jacobian coordinates; the identity has Z = 0.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct G1(pub(super) blst_p1);

/// A point of G1 in affine coordinates; the identity is (0, 0).
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct G1Affine(pub(super) blst_p1_affine);

/// A cube root of unity in the field: (x, y) -> (beta x, -y) is multiplication by z^2 on G1.
const BETA: blst_fp = blst_fp {
    l: [
        0x30f1_361b_798a_64e8,
        0xf3b8_ddab_7ece_5a2a,
        0x16a8_ca3a_c615_77f7,
        0xc26a_2ff8_74fd_029b,
        0x3636_b766_6070_1c6e,
        0x051b_a4ab_241b_6160,
    ],
};

/// 1 - z for the curve's parameter z: what hash_to_curve clears the cofactor with (RFC 9380, section 8.8.1).
const H_EFF: u64 = 0xd201_0000_0001_0001;

impl G1 {
    /// The generator.
    pub fn generator() -> G1 {
        // SAFETY: blst returns the address of a constant of static lifetime.
        G1(unsafe { *blst_p1_generator() })
    }

    /// Twice this point.
    pub fn double(&self) -> G1 {
        let mut out = G1::default();
        // SAFETY: valid references to points.
        unsafe { blst_p1_double(&mut out.0, &self.0) };
        out
    }

    /// The sum, whatever the two points are.
    pub fn add(&self, other: &G1) -> G1 {
        let mut out = G1::default();
        // SAFETY: valid references to points.
        unsafe { blst_p1_add_or_double(&mut out.0, &self.0, &other.0) };
        out
    }

    /// The sum, whatever the two points are; constant-time.
    pub fn add_affine(&self, other: &G1Affine) -> G1 {
        let mut out = G1::default();
        // SAFETY: valid references to points.
        unsafe { blst_p1_add_or_double_affine(&mut out.0, &self.0, &other.0) };
        out
    }

    /// Adds a point in place, whatever the two are; faster than `add_affine`. Not constant-time.
    pub fn accumulate(&mut self, other: &G1Affine) {
        let mut out = G1::default();
        // SAFETY: valid references to points.
        unsafe { blst_p1_add_affine(&mut out.0, &self.0, &other.0) };
        // blst's short formula gives Z = 0 for two equal points, and only then wrongly.
        *self = if out.is_identity() { self.add_affine(other) } else { out };
    }

    /// Doubles in place.
    pub fn double_in_place(&mut self) {
        let point: *mut blst_p1 = &mut self.0;
        // SAFETY: one valid pointer, for input and output, which blst allows.
        unsafe { blst_p1_double(point, point) };
    }

    /// This point times a scalar of 32 octets, least significant first; constant-time.
    pub fn multiply(&self, scalar: &[u8; 32]) -> G1 {
        let mut out = G1::default();
        // SAFETY: valid references to points; blst reads 256 bits of the scalar, which has them.
        unsafe { blst_p1_mult(&mut out.0, &self.0, scalar.as_ptr(), 256) };
        out
    }

    /// z^2 times this point; constant-time, one multiplication in the field.
    pub fn endomorphism(&self) -> G1 {
        let mut out = *self;
        out.0.x = multiply(&self.0.x, &BETA);
        // SAFETY: a valid reference to a point.
        unsafe { blst_p1_cneg(&mut out.0, true) };
        out
    }

    /// (1 - z) times a point of the curve: in the subgroup wherever the point was, and the identity exactly if
    /// its order divides the cofactor. Every addition is complete, since such a point meets its own multiples.
    pub fn clear_cofactor(&self) -> G1 {
        let mut out = *self;
        for bit in (0..H_EFF.ilog2()).rev() {
            out.double_in_place();
            if H_EFF >> bit & 1 == 1 {
                out = out.add(self);
            }
        }
        out
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        // SAFETY: a valid reference to a point.
        unsafe { blst_p1_is_inf(&self.0) }
    }

    /// Whether the two are the same point.
    pub fn equals(&self, other: &G1) -> bool {
        // SAFETY: valid references to points.
        unsafe { blst_p1_is_equal(&self.0, &other.0) }
    }

    /// The affine coordinates of many points for one inversion.
    pub fn normalize(points: &[G1]) -> Vec<G1Affine> {
        let mut out = vec![G1Affine::default(); points.len()];
        let pointers = [points.as_ptr().cast::<blst_p1>(), std::ptr::null()];
        if !points.is_empty() {
            // SAFETY: `G1` and `G1Affine` have the layout of their only field;
            // blst reads the first pointer, takes the null after it as "contiguous", and reads and writes
            // `points.len()` elements of two slices of that length.
            unsafe { blst_p1s_to_affine(out.as_mut_ptr().cast(), pointers.as_ptr(), points.len()) };
        }
        out
    }

    /// The sum of affine points by trees of batched inversions. Not constant-time.
    pub fn sum(points: &[G1Affine]) -> G1 {
        let mut out = G1::default();
        let pointers = [points.as_ptr().cast::<blst_p1_affine>(), std::ptr::null()];
        if !points.is_empty() {
            // SAFETY: as in `normalize`: one contiguous slice of `points.len()` elements is read.
            unsafe { blst_p1s_add(&mut out.0, pointers.as_ptr(), points.len()) };
        }
        out
    }

    /// RFC 9380, section 3: maps two field elements of 64 octets each, adds, clears the cofactor.
    pub fn map(u: &[u8], v: &[u8]) -> G1 {
        let [u, v] = [u, v].map(|octets| {
            let mut out = blst_fp::default();
            // SAFETY: the pointer and the length are those of one slice.
            unsafe { blst_fp_from_be_bytes(&mut out, octets.as_ptr(), octets.len()) };
            out
        });
        let mut out = G1::default();
        // SAFETY: valid references.
        unsafe { blst_map_to_g1(&mut out.0, &u, &v) };
        out
    }
}

impl G1Affine {
    /// Decodes 48 octets in compressed form: canonical, on the curve and, if `subgroup`, in the subgroup.
    pub fn decode(octets: &[u8], identity: bool, subgroup: bool) -> Result<G1Affine> {
        let octets: &[u8; 48] = octets.try_into().map_err(|_| Error::InvalidLength)?;
        let mut out = G1Affine::default();
        // SAFETY: blst reads 48 octets and writes one point.
        let code = unsafe { blst_p1_uncompress(&mut out.0, octets.as_ptr()) };
        out.decoded(code, identity, subgroup)
    }

    /// Decodes 96 octets in uncompressed form: canonical, on the curve and, if `subgroup`, in the subgroup.
    pub fn decode_uncompressed(octets: &[u8], identity: bool, subgroup: bool) -> Result<G1Affine> {
        let octets: &[u8; 96] = octets.try_into().map_err(|_| Error::InvalidLength)?;
        if octets[0] & 0x80 != 0 {
            // blst would read 48 octets in compressed form and ignore the rest
            return Err(Error::InvalidPoint);
        }
        let mut out = G1Affine::default();
        // SAFETY: blst reads 96 octets and writes one point.
        let code = unsafe { blst_p1_deserialize(&mut out.0, octets.as_ptr()) };
        out.decoded(code, identity, subgroup)
    }

    /// What is left to check of a point that blst has decoded with this code.
    fn decoded(self, code: BLST_ERROR, identity: bool, subgroup: bool) -> Result<G1Affine> {
        match code {
            // for (0, 2) and (0, -2), which are on the curve and written nevertheless
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP if !subgroup => return Ok(self),
            code => checked(code)?,
        }
        if self.is_identity() {
            return if identity { Ok(self) } else { Err(Error::IdentityPoint) };
        }
        // SAFETY: a valid reference to a point of the curve.
        if subgroup && !unsafe { blst_p1_affine_in_g1(&self.0) } {
            return Err(Error::NotInSubgroup);
        }
        Ok(self)
    }

    /// Encodes in compressed form.
    pub fn encode(&self) -> [u8; 48] {
        let mut out = [0; 48];
        // SAFETY: blst writes 48 octets.
        unsafe { blst_p1_affine_compress(out.as_mut_ptr(), &self.0) };
        out
    }

    /// Encodes in uncompressed form.
    pub fn encode_uncompressed(&self) -> [u8; 96] {
        let mut out = [0; 96];
        // SAFETY: blst writes 96 octets.
        unsafe { blst_p1_affine_serialize(out.as_mut_ptr(), &self.0) };
        out
    }

    /// The same point in Jacobian coordinates.
    pub fn to_jacobian(&self) -> G1 {
        let mut out = G1::default();
        // SAFETY: valid references.
        unsafe { blst_p1_from_affine(&mut out.0, &self.0) };
        out
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        // SAFETY: a valid reference to a point.
        unsafe { blst_p1_affine_is_inf(&self.0) }
    }

    /// The limbs of both coordinates, which tell points apart.
    pub fn limbs(&self) -> [u64; 12] {
        let mut out = [0; 12];
        out[..6].copy_from_slice(&self.0.x.l);
        out[6..].copy_from_slice(&self.0.y.l);
        out
    }

    /// Reads from both ends of the point, to have it in the cache.
    pub fn touch(&self) -> u64 {
        self.0.x.l[0] ^ self.0.y.l[5]
    }

    /// This point, or its opposite; constant-time.
    pub fn negate_if(&self, negative: bool) -> G1Affine {
        let mut out = *self;
        // SAFETY: valid references to field elements, the same for input and output, which blst allows.
        unsafe { blst_fp_cneg(&mut out.0.y, &self.0.y, negative) };
        out
    }

    /// z^2 times this point, or times -z^2; constant-time.
    pub fn endomorphism(&self, negative: bool) -> G1Affine {
        let mut out = self.negate_if(!negative);
        out.0.x = multiply(&self.0.x, &BETA);
        out
    }

    /// Takes over `other` where every bit of `mask` is set, nothing where none is; constant-time.
    pub fn merge(&mut self, other: &G1Affine, mask: u64) {
        for (mine, theirs) in self.0.x.l.iter_mut().zip(&other.0.x.l) {
            *mine |= theirs & mask;
        }
        for (mine, theirs) in self.0.y.l.iter_mut().zip(&other.0.y.l) {
            *mine |= theirs & mask;
        }
    }

    /// For each point its multiples 1 to 2^(width - 1), one row after the other.
    pub fn rows(points: &[G1Affine], width: usize) -> Vec<G1Affine> {
        assert!((2..=12).contains(&width) && !points.is_empty());
        let mut table = vec![G1Affine::default(); points.len() << (width - 1)];
        let pointers = [points.as_ptr().cast::<blst_p1_affine>(), std::ptr::null()];
        // SAFETY: contiguous slices as in `normalize`; blst writes `points.len() << (width - 1)` elements,
        // which the table has.
        unsafe {
            blst_p1s_mult_wbits_precompute(table.as_mut_ptr().cast(), width, pointers.as_ptr(), points.len())
        };
        table
    }
}
