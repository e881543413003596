//! Scalars modulo r, split in halves for the endomorphism, and recoded in signed windows.
//!
//! Everything up to [`Half::digit`] is branch-free and indexes no memory by a value; [`Half::wnaf`] is not and
//! is for public scalars only.

use std::hint::black_box;
use zeroize::Zeroize;

use crate::error::{Error, Result};

/// Octets of a scalar at the boundary, most significant first.
pub const SCALAR_OCTETS: usize = 32;

const R: [u64; 4] =
    [0xffff_ffff_0000_0001, 0x53bd_a402_fffe_5bfe, 0x3339_d808_09a1_d805, 0x73ed_a753_299d_7d48];
/// (r - 1) / 2.
const HALF_R: [u64; 4] =
    [0x7fff_ffff_8000_0000, 0xa9de_d201_7fff_2dff, 0x199c_ec04_04d0_ec02, 0x39f6_d3a9_94ce_bea4];
/// z^2 for the curve's parameter z; r = z^4 - z^2 + 1, so that z^2 is an eigenvalue of an endomorphism.
const ZZ: u128 = 0xac45_a401_0001_a402_0000_0001_0000_0000;
/// The integer part of 2^256 / z^2.
const MU: [u64; 3] = [0x63f6_e522_f6cf_ee2e, 0x7c6b_ecf1_e01f_aadd, 0x1];

/// A scalar in [0, r), least significant limb first; wiped when dropped.
#[derive(Clone)]
pub struct Scalar([u64; 4]);

/// One signed half of a scalar, `magnitude` less than 2^127, or a whole short one.
#[derive(Clone, Copy, Zeroize)]
pub struct Half {
    magnitude: u128,
    negative: u64,
}

/// One digit of a signed window.
#[derive(Clone, Copy)]
pub struct Digit {
    /// The absolute value, at most 2^(window - 1).
    pub magnitude: u64,
    /// 1 if negative, else 0.
    pub negative: u64,
}

fn subtract(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let mut out = [0; 4];
    let mut borrow = 0;
    for i in 0..4 {
        let difference = (a[i] as u128).wrapping_sub(b[i] as u128).wrapping_sub(borrow as u128);
        out[i] = difference as u64;
        borrow = (difference >> 64) as u64 & 1;
    }
    (out, borrow)
}

/// 1 if a < b, else 0.
fn less(a: u128, b: u128) -> u64 {
    (((!a & b) | ((!a | b) & a.wrapping_sub(b))) >> 127) as u64
}

fn mask64(bit: u64) -> u64 {
    black_box(bit).wrapping_neg()
}

fn mask128(bit: u64) -> u128 {
    (black_box(bit) as u128).wrapping_neg()
}

impl Scalar {
    /// Takes 32 octets, most significant first; `InvalidScalar` unless they are less than r.
    pub fn from_octets(octets: &[u8; SCALAR_OCTETS]) -> Result<Scalar> {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().rev().zip(octets.chunks_exact(8)) {
            *limb = chunk.iter().fold(0, |value, &octet| value << 8 | octet as u64);
        }
        let scalar = Scalar(limbs);
        if subtract(&scalar.0, &R).1 == 0 {
            return Err(Error::InvalidScalar);
        }
        Ok(scalar)
    }

    /// Takes scalars of 32 octets, one after the other.
    pub fn list_from_octets(octets: &[u8]) -> Result<Vec<Scalar>> {
        let (chunks, rest) = octets.as_chunks::<SCALAR_OCTETS>();
        if !rest.is_empty() {
            return Err(Error::InvalidLength);
        }
        chunks.iter().map(Scalar::from_octets).collect()
    }

    /// The octets, least significant first.
    pub fn to_little_endian(&self) -> [u8; SCALAR_OCTETS] {
        let mut out = [0; SCALAR_OCTETS];
        for (chunk, limb) in out.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        out
    }

    /// The whole scalar, if it has 128 bits at most: more work in two halves. Not constant-time.
    pub fn short(&self) -> Option<Half> {
        let magnitude = self.0[0] as u128 | (self.0[1] as u128) << 64;
        (self.0[2..] == [0; 2]).then_some(Half { magnitude, negative: 0 })
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Two halves (a, b) with scalar = a + b z^2 modulo r.
    pub fn split(&self) -> [Half; 2] {
        // k or r - k, whichever is at most (r - 1) / 2
        let (opposite, _) = subtract(&R, &self.0);
        let (_, negative) = subtract(&HALF_R, &self.0);
        let mask = mask64(negative);
        let mut k = [0; 4];
        for i in 0..4 {
            k[i] = (self.0[i] & !mask) | (opposite[i] & mask);
        }
        // Barrett: the quotient is right or up to 2 too small
        let mut product = [0u64; 7];
        for (i, &limb) in k.iter().enumerate() {
            let mut carry = 0u128;
            for (j, &factor) in MU.iter().enumerate() {
                let sum = limb as u128 * factor as u128 + product[i + j] as u128 + carry;
                product[i + j] = sum as u64;
                carry = sum >> 64;
            }
            product[i + 3] = carry as u64;
        }
        let mut quotient = product[4] as u128 | (product[5] as u128) << 64;
        let mut back = [0u64; 4];
        for (i, limb) in [quotient as u64, (quotient >> 64) as u64].into_iter().enumerate() {
            let mut carry = 0u128;
            for (j, factor) in [ZZ as u64, (ZZ >> 64) as u64].into_iter().enumerate() {
                let sum = limb as u128 * factor as u128 + back[i + j] as u128 + carry;
                back[i + j] = sum as u64;
                carry = sum >> 64;
            }
            back[i + 2] = carry as u64;
        }
        let (rest, _) = subtract(&k, &back);
        let mut low = rest[0] as u128 | (rest[1] as u128) << 64;
        let mut high = rest[2];
        for _ in 0..2 {
            let enough = (1 ^ less(low, ZZ)) | u64::from(high != 0);
            let below = less(low, ZZ) & enough;
            low = low.wrapping_sub(ZZ & mask128(enough));
            high -= below;
            quotient += enough as u128;
        }
        // centre the remainder
        let flip = less(ZZ / 2, low);
        let mask = mask128(flip);
        let remainder = (low & !mask) | (ZZ.wrapping_sub(low) & mask);
        quotient += flip as u128;
        k.zeroize();
        product.zeroize();
        [Half { magnitude: remainder, negative: negative ^ flip }, Half { magnitude: quotient, negative }]
    }
}

impl Drop for Scalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// How many signed windows of this width cover a half: one bit above its 127 takes the last carry.
pub const fn windows(width: usize) -> usize {
    128usize.div_ceil(width)
}

impl Half {
    /// The digit of one window: the half is the sum of digit times 2^(width * index).
    pub fn digit(&self, width: usize, index: usize) -> Digit {
        let at = width * index;
        // one bit below the window decides what it borrows from or lends to the next
        let bits = if at == 0 { self.magnitude << 1 } else { self.magnitude >> (at - 1) };
        let value = bits as u64 & ((2 << width) - 1);
        let negative = value >> width;
        let rounded = (value + 1) >> 1;
        let mask = mask64(negative);
        let magnitude = (rounded & !mask) | ((1u64 << width).wrapping_sub(rounded) & mask);
        Digit { magnitude, negative: negative ^ self.negative }
    }

    /// Whether the half is even, as 1 or 0.
    pub fn is_even(&self) -> u64 {
        (self.magnitude & 1) as u64 ^ 1
    }

    /// The digit of one window, always odd and less than 2^width in magnitude: the sum of digit times
    /// 2^(width * index) is the half, or the half moved away from 0 by 1 if it is even.
    pub fn odd_digit(&self, width: usize, index: usize) -> Digit {
        let odd = self.magnitude.wrapping_add(u128::from(self.is_even()));
        let bits = (odd >> (width * index)) as u64 | 1;
        let last = u64::from(index + 1 == windows(width));
        // the last digit takes what is left; each other lends 2^width to the next
        let value = bits & ((2 << width) - 1);
        let positive = value >> width | last;
        let mask = mask64(positive);
        let lent = (1u64 << width) * (1 - last);
        let magnitude = (value.wrapping_sub(lent) & mask) | (lent.wrapping_sub(value) & !mask);
        Digit { magnitude, negative: 1 ^ positive ^ self.negative }
    }

    /// Odd digits of at most 2^(width - 1) in magnitude, one for each bit, mostly 0. Not constant-time.
    pub fn wnaf(&self, width: usize) -> [i8; 129] {
        let mut digits = [0; 129];
        let mut rest = self.magnitude;
        let modulus = 1i32 << width;
        let mut at = 0;
        while rest != 0 {
            if rest & 1 == 1 {
                let mut digit = (rest as i32) & (modulus - 1);
                if digit > modulus / 2 {
                    digit -= modulus;
                }
                rest = rest.wrapping_sub(digit as i128 as u128);
                digits[at] = if self.negative == 1 { -digit } else { digit } as i8;
            }
            rest >>= 1;
            at += 1;
        }
        digits
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.negative == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulo_r(mut limbs: [u64; 5]) -> [u64; 4] {
        // schoolbook, bit by bit: enough for a test
        let mut rest = [0u64; 4];
        for bit in (0..320).rev() {
            let mut carry = limbs[bit / 64] >> (bit % 64) & 1;
            for limb in &mut rest {
                let next = *limb >> 63;
                *limb = *limb << 1 | carry;
                carry = next;
            }
            let (reduced, borrow) = subtract(&rest, &R);
            if borrow == 0 {
                rest = reduced;
            }
        }
        limbs.zeroize();
        rest
    }

    fn join(halves: [Half; 2]) -> [u64; 4] {
        let mut total = [0u64; 4];
        for (half, factor) in halves.iter().zip([1, ZZ]) {
            let (a, b) = (half.magnitude, factor);
            let mut product = [0u64; 5];
            for i in 0..2 {
                let mut carry = 0u128;
                for j in 0..2 {
                    let sum = (a >> (64 * i) & u64::MAX as u128) * (b >> (64 * j) & u64::MAX as u128)
                        + product[i + j] as u128
                        + carry;
                    product[i + j] = sum as u64;
                    carry = sum >> 64;
                }
                product[i + 2] = carry as u64;
            }
            let mut term = modulo_r(product);
            if half.is_negative() && term != [0; 4] {
                term = subtract(&R, &term).0;
            }
            let mut sum = [0u64; 5];
            let mut carry = 0u128;
            for i in 0..4 {
                let each = total[i] as u128 + term[i] as u128 + carry;
                sum[i] = each as u64;
                carry = each >> 64;
            }
            sum[4] = carry as u64;
            total = modulo_r(sum);
        }
        total
    }

    fn samples() -> Vec<Scalar> {
        let mut out = vec![[0; 4], [1, 0, 0, 0], HALF_R, subtract(&R, &[1, 0, 0, 0]).0];
        out.push([HALF_R[0] + 1, HALF_R[1], HALF_R[2], HALF_R[3]]);
        for delta in [0u128, 1] {
            for value in [ZZ, ZZ / 2] {
                let value = value + delta;
                out.push([value as u64, (value >> 64) as u64, 0, 0]);
            }
        }
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..2000 {
            let mut limbs = [0; 5];
            for limb in &mut limbs {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *limb = state;
            }
            out.push(modulo_r(limbs));
        }
        out.into_iter().map(Scalar).collect()
    }

    #[test]
    fn halves_are_short_and_join() {
        for scalar in samples() {
            let halves = scalar.split();
            assert!(halves.iter().all(|half| half.magnitude < 1 << 127));
            assert_eq!(join(halves), scalar.0);
        }
    }

    #[test]
    fn digits_add_up() {
        for scalar in samples() {
            for half in scalar.split() {
                for width in 2..=8 {
                    let mut sum = 0i128;
                    for index in (0..windows(width)).rev() {
                        let digit = half.digit(width, index);
                        assert!(digit.magnitude <= 1 << (width - 1));
                        let value = digit.magnitude as i128;
                        let value = if digit.negative == half.negative { value } else { -value };
                        sum = sum.wrapping_mul(1 << width).wrapping_add(value);
                    }
                    assert_eq!(sum as u128, half.magnitude);
                }
                let mut sum = 0i128;
                for index in (0..windows(5)).rev() {
                    let digit = half.odd_digit(5, index);
                    assert!(digit.magnitude & 1 == 1 && digit.magnitude < 32);
                    let value = digit.magnitude as i128;
                    let value = if digit.negative == half.negative { value } else { -value };
                    sum = sum.wrapping_mul(32).wrapping_add(value);
                }
                assert_eq!(sum as u128, half.magnitude + u128::from(half.is_even()));
                let digits = half.wnaf(5);
                assert!(digits.iter().all(|&digit| digit == 0 || (digit & 1 == 1 && digit.abs() < 16)));
                let sum = digits
                    .iter()
                    .rev()
                    .fold(0i128, |sum, &digit| sum.wrapping_mul(2).wrapping_add(digit as i128));
                let sign = if half.is_negative() { -1 } else { 1 };
                assert_eq!((sum * sign) as u128, half.magnitude);
            }
        }
    }

    #[test]
    fn only_reduced_scalars_are_taken() {
        let octets = |limbs: [u64; 4]| {
            let mut out = Scalar(limbs).to_little_endian();
            out.reverse();
            out
        };
        assert!(Scalar::from_octets(&octets(R)).is_err());
        assert!(Scalar::from_octets(&[0xff; 32]).is_err());
        let largest = subtract(&R, &[1, 0, 0, 0]).0;
        assert_eq!(Scalar::from_octets(&octets(largest)).unwrap().0, largest);
        assert_eq!(Scalar::list_from_octets(&[0; 33]).err(), Some(Error::InvalidLength));
    }
}
