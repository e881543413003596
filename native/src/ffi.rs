//! The only module with unsafe code: blst's functions behind types that cannot be misused.
//!
//! blst reads and writes through plain pointers, keeps no reference after it returns, allocates nothing, has
//! no global state that changes after its first call, and allows an output to overlap an input wherever that
//! is done below. Every pointer given to it comes from a Rust reference or slice whose length is checked
//! before the pointer is formed. Points here are on the curve; [`G1Affine`] and [`G2Affine`] that come from
//! `decode` are in the subgroup.

use blst::*;

use crate::error::{Error, Result};

/// A point of G1 in Jacobian coordinates; the identity has Z = 0.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct G1(blst_p1);

/// A point of G1 in affine coordinates; the identity is (0, 0).
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct G1Affine(blst_p1_affine);

/// A point of G2 in affine coordinates; the identity is (0, 0).
#[derive(Clone, Copy, Default)]
pub struct G2Affine(blst_p2_affine);

/// An element of the field of degree 12.
#[derive(Clone, Copy)]
pub struct Fp12(blst_fp12);

/// How many lines the Miller loop of one point of G2 takes.
pub const LINES: usize = 68;

/// The lines of one point of G2.
pub struct Lines([blst_fp6; LINES]);

/// A point of G1 as the lines take it: (-2x, 2y).
#[derive(Clone, Copy)]
pub struct LinePoint(blst_fp, blst_fp);

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

fn checked(code: BLST_ERROR) -> Result<()> {
    match code {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Err(Error::NotInSubgroup),
        _ => Err(Error::InvalidPoint),
    }
}

/// 1 in Montgomery form.
const ONE: blst_fp = blst_fp {
    l: [
        0x7609_0000_0002_fffd,
        0xebf4_000b_c40c_0002,
        0x5f48_9857_53c7_58ba,
        0x77ce_5853_7052_5745,
        0x5c07_1a97_a256_ec6d,
        0x15f6_5ec3_fa80_e493,
    ],
};

/// At how few points adding one by one costs no more than another inversion.
const TREE_UNTIL: usize = 16;

fn subtract(a: &blst_fp, b: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: three valid references to field elements.
    unsafe { blst_fp_sub(&mut out, a, b) };
    out
}

fn multiply(a: &blst_fp, b: &blst_fp) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: three valid references to field elements.
    unsafe { blst_fp_mul(&mut out, a, b) };
    out
}

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

    /// The sum of points times scalars of `bits` bits by buckets. Not constant-time.
    ///
    /// `scalars` has (bits + 7) / 8 octets for each point, least significant first; `CountMismatch` if not.
    pub fn pippenger(points: &[G1Affine], scalars: &[u8], bits: usize) -> Result<G1> {
        if bits == 0 || points.len() < 2 || scalars.len() != points.len() * bits.div_ceil(8) {
            return Err(Error::CountMismatch);
        }
        // SAFETY: a pure function of a count.
        let size = unsafe { blst_p1s_mult_pippenger_scratch_sizeof(points.len()) };
        let mut scratch = vec![0u64; size.div_ceil(8)];
        let mut out = G1::default();
        let point_pointers = [points.as_ptr().cast::<blst_p1_affine>(), std::ptr::null()];
        let scalar_pointers = [scalars.as_ptr(), std::ptr::null()];
        // SAFETY: contiguous slices as in `normalize`, the scalars' length checked above, the scratch as long
        // as blst asks for and aligned for its limbs.
        unsafe {
            blst_p1s_mult_pippenger(
                &mut out.0,
                point_pointers.as_ptr(),
                points.len(),
                scalar_pointers.as_ptr(),
                bits,
                scratch.as_mut_ptr(),
            )
        };
        Ok(out)
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
    /// Decodes 48 octets in compressed form, checked: canonical, on the curve, in the subgroup.
    pub fn decode(octets: &[u8], identity: bool) -> Result<G1Affine> {
        let octets: &[u8; 48] = octets.try_into().map_err(|_| Error::InvalidLength)?;
        let mut out = G1Affine::default();
        // SAFETY: blst reads 48 octets and writes one point.
        checked(unsafe { blst_p1_uncompress(&mut out.0, octets.as_ptr()) })?;
        if out.is_identity() {
            return if identity { Ok(out) } else { Err(Error::IdentityPoint) };
        }
        // SAFETY: a valid reference to a point of the curve.
        if !unsafe { blst_p1_affine_in_g1(&out.0) } {
            return Err(Error::NotInSubgroup);
        }
        Ok(out)
    }

    /// Encodes in compressed form.
    pub fn encode(&self) -> [u8; 48] {
        let mut out = [0; 48];
        // SAFETY: blst writes 48 octets.
        unsafe { blst_p1_affine_compress(out.as_mut_ptr(), &self.0) };
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

    /// The sum of points by trees of batched inversions; constant-time.
    ///
    /// None, in less time, if two partial sums that meet are equal or opposite, or a point is the identity:
    /// for points times independent random scalars that is as unlikely as guessing one of them.
    pub fn sum_distinct(mut points: Vec<G1Affine>) -> Option<G1> {
        let mut products = vec![blst_fp::default(); points.len() / 2];
        while points.len() > TREE_UNTIL {
            let pairs = points.len() / 2;
            let (firsts, seconds) = points.split_at_mut(pairs);
            let mut product = ONE;
            for ((first, second), before) in firsts.iter().zip(&*seconds).zip(&mut products) {
                *before = product;
                product = multiply(&product, &subtract(&second.0.x, &first.0.x));
            }
            let mut inverse = blst_fp::default();
            // SAFETY: valid references to field elements.
            unsafe { blst_fp_inverse(&mut inverse, &product) };
            if inverse.l == [0; 6] {
                return None;
            }
            for ((first, second), before) in firsts.iter_mut().zip(&*seconds).zip(&products[..pairs]).rev() {
                let slope = multiply(&subtract(&second.0.y, &first.0.y), &multiply(&inverse, before));
                inverse = multiply(&inverse, &subtract(&second.0.x, &first.0.x));
                let x = subtract(&subtract(&multiply(&slope, &slope), &first.0.x), &second.0.x);
                let y = subtract(&multiply(&slope, &subtract(&first.0.x, &x)), &first.0.y);
                first.0 = blst_p1_affine { x, y };
            }
            if let Some(odd) = seconds.get(pairs).copied() {
                points[pairs] = odd;
                points.truncate(pairs + 1);
            } else {
                points.truncate(pairs);
            }
        }
        Some(points.iter().fold(G1::default(), |sum, point| sum.add_affine(point)))
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

impl Fp12 {
    /// The product over all points of the line functions, in one loop with shared squarings.
    pub fn miller_loop(pairs: &[(LinePoint, &Lines)]) -> Fp12 {
        let mut f = Fp12(blst_fp12::default());
        // The bits of |z| below its first: after each squaring a doubling line, after a set bit one more.
        let mut at = 0;
        let z: u64 = 0xd201_0000_0001_0000;
        for bit in (0..63).rev() {
            if at > 0 {
                f = f.square();
            }
            f = f.multiply_lines(pairs, at);
            at += 1;
            if z >> bit & 1 == 1 {
                f = f.multiply_lines(pairs, at);
                at += 1;
            }
        }
        // SAFETY: a valid reference; z is negative.
        unsafe { blst_fp12_conjugate(&mut f.0) };
        f
    }

    fn multiply_lines(mut self, pairs: &[(LinePoint, &Lines)], at: usize) -> Fp12 {
        for (point, lines) in pairs {
            let mut line = lines.0[at];
            line.fp2[1].fp = line.fp2[1].fp.each_ref().map(|part| multiply(part, &point.0));
            line.fp2[2].fp = line.fp2[2].fp.each_ref().map(|part| multiply(part, &point.1));
            let mut out = blst_fp12::default();
            // SAFETY: valid references.
            unsafe { blst_fp12_mul_by_xy00z0(&mut out, &self.0, &line) };
            self.0 = out;
        }
        self
    }

    fn square(&self) -> Fp12 {
        let mut out = blst_fp12::default();
        // SAFETY: valid references.
        unsafe { blst_fp12_sqr(&mut out, &self.0) };
        Fp12(out)
    }

    /// The product.
    pub fn multiply(&self, other: &Fp12) -> Fp12 {
        let mut out = blst_fp12::default();
        // SAFETY: valid references.
        unsafe { blst_fp12_mul(&mut out, &self.0, &other.0) };
        Fp12(out)
    }

    /// blst's Miller loop of one pair, with nothing prepared.
    pub fn miller_loop_unprepared(first: &G1Affine, second: &G2Affine) -> Fp12 {
        let mut out = blst_fp12::default();
        // SAFETY: valid references to points.
        unsafe { blst_miller_loop(&mut out, &second.0, &first.0) };
        Fp12(out)
    }

    /// Whether the final exponentiation gives 1.
    pub fn is_one_in_gt(&self) -> bool {
        let mut out = blst_fp12::default();
        // SAFETY: valid references.
        unsafe { blst_final_exp(&mut out, &self.0) };
        // SAFETY: a valid reference.
        unsafe { blst_fp12_is_one(&out) }
    }
}

impl Lines {
    /// Computes the lines of a point that is not the identity.
    pub fn new(point: &G2Affine) -> Box<Lines> {
        let mut out = Box::new(Lines([blst_fp6::default(); LINES]));
        // SAFETY: blst writes 68 lines, which the array has.
        unsafe { blst_precompute_lines(out.0.as_mut_ptr(), &point.0) };
        out
    }
}

impl LinePoint {
    /// Prepares a point that is not the identity for the lines.
    pub fn new(point: &G1Affine) -> LinePoint {
        let (mut x, mut y) = (blst_fp::default(), blst_fp::default());
        // SAFETY: valid references to field elements.
        unsafe { blst_fp_add(&mut x, &point.0.x, &point.0.x) };
        let double = x;
        // SAFETY: valid references to field elements.
        unsafe { blst_fp_cneg(&mut x, &double, true) };
        // SAFETY: valid references to field elements.
        unsafe { blst_fp_add(&mut y, &point.0.y, &point.0.y) };
        LinePoint(x, y)
    }
}

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

/// Octets, most significant first, modulo r, as 32 octets, most significant first.
pub fn reduce(octets: &[u8]) -> [u8; 32] {
    let mut out = Secret(blst_scalar::default());
    // SAFETY: the pointer and the length are those of one slice.
    unsafe { blst_scalar_from_be_bytes(&mut out.0, octets.as_ptr(), octets.len()) };
    out.to_octets()
}
