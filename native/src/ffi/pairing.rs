//! Miller loops over prepared lines, and the final exponentiation.

use blst::*;

use super::field::multiply;
use super::{G1Affine, G2Affine};

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
