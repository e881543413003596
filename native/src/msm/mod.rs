//! Sums of points times scalars.
//!
//! A scalar k is split into (a, b) with k = a + b z^2, both of 127 bits and a sign, and z^2 P costs one
//! multiplication in the field. For public scalars: few points share one chain of doublings (Straus, width-5
//! NAF), many go to buckets (Pippenger), and prepared bases read every window from a table and add up
//! in affine coordinates by batched inversions. For secret scalars: fixed windows of odd digits, tables read in
//! full, batched inversions over points none of which is the identity for prepared bases once they have a
//! table, one chain of doublings for other points, and blst's own multiplication for a single one. Which points
//! and how many are never secret.
//!
//! Variable points of sums with public scalars may be points of the curve outside the subgroup. A point is then
//! P + S with P in the subgroup and an order of S that divides the cofactor. The endomorphism is one of the whole
//! curve, so it takes each part to its like: a (P + S) + b endo(P + S) is k P and something whose order divides
//! the cofactor. Such a sum is right once its cofactor is cleared, and meaningless before.

use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::bases::{Base, PreparedBases};
use crate::error::{Error, Result};
use crate::ffi::G1;
use crate::scalar::Scalar;

mod public;
mod secret;

/// What one sum is made of: points times scalars, and the first bases times theirs.
pub struct Terms<'a> {
    points: &'a [G1],
    scalars: &'a [Scalar],
    bases: Option<&'a PreparedBases>,
    base_scalars: &'a [Scalar],
}

impl<'a> Terms<'a> {
    /// `CountMismatch` unless there is a scalar for each point and a base for each of theirs.
    pub fn new(
        points: &'a [G1],
        scalars: &'a [Scalar],
        bases: Option<&'a PreparedBases>,
        base_scalars: &'a [Scalar],
    ) -> Result<Terms<'a>> {
        if points.len() != scalars.len() || base_scalars.len() > bases.map_or(0, PreparedBases::len) {
            return Err(Error::CountMismatch);
        }
        Ok(Terms { points, scalars, bases, base_scalars })
    }

    fn bases(&self) -> &[Arc<Base>] {
        self.bases.map_or(&[], PreparedBases::each)
    }
}

/// So many secret sums are a proof, whose holder waits for it and has the other core idle.
const WORTH_A_THREAD: usize = 16;

/// The sums; `secret` picks the constant-time way.
pub fn sums(terms: &[Terms], secret: bool) -> Vec<G1> {
    if secret {
        let beside = terms.len() >= WORTH_A_THREAD && cores() > 1;
        return if beside { halves(terms) } else { secret::sums(terms) };
    }
    let sum = |each: &Terms| {
        public::variable(each.points, each.scalars).add(&public::fixed(each.bases(), each.base_scalars))
    };
    terms.iter().map(sum).collect()
}

/// The secret sums, one half of them in a thread of its own. How many they are is not secret.
fn halves(terms: &[Terms]) -> Vec<G1> {
    let (one, other) = terms.split_at(terms.len() / 2);
    thread::scope(|scope| {
        let beside = scope.spawn(|| secret::sums(other));
        let mut sums = secret::sums(one);
        sums.extend(beside.join().unwrap_or_else(|panic| resume_unwind(panic)));
        sums
    })
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(test)]
mod tests {
    use super::public::{buckets, straus};
    use super::*;
    use crate::ffi::G1Affine;

    fn scalar(value: u128) -> Scalar {
        let mut octets = [0; 32];
        octets[16..].copy_from_slice(&value.to_be_bytes());
        Scalar::from_octets(&octets).unwrap()
    }

    fn wide(seed: u64) -> Scalar {
        let mut octets = [0; 32];
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for octet in &mut octets[1..] {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *octet = state as u8;
        }
        Scalar::from_octets(&octets).unwrap()
    }

    /// Less than 2^bits; the first has every bit set.
    fn below(bits: usize, seed: u64) -> Scalar {
        let mut octets = if seed == 0 { [0xff; 32] } else { wide(seed).to_little_endian() };
        for (place, octet) in octets.iter_mut().rev().enumerate() {
            let kept = bits.saturating_sub(8 * place).min(8);
            *octet &= ((1u16 << kept) - 1) as u8;
        }
        Scalar::from_octets(&octets).unwrap()
    }

    fn reference(points: &[G1], scalars: &[Scalar]) -> G1 {
        let products = points.iter().zip(scalars).map(|(point, k)| point.multiply(&k.to_little_endian()));
        products.fold(G1::default(), |sum, product| sum.add(&product))
    }

    fn msm(
        points: &[G1],
        scalars: &[Scalar],
        bases: Option<&PreparedBases>,
        base_scalars: &[Scalar],
        secret: bool,
    ) -> Result<G1> {
        Ok(sums(&[Terms::new(points, scalars, bases, base_scalars)?], secret)[0])
    }

    #[test]
    fn the_endomorphism_multiplies_by_z_squared() {
        let zz = scalar(0xac45_a401_0001_a402_0000_0001_0000_0000);
        let point = G1::generator();
        assert!(point.endomorphism().equals(&point.multiply(&zz.to_little_endian())));
        let affine = G1::normalize(&[point])[0];
        assert!(affine.endomorphism(false).to_jacobian().equals(&point.endomorphism()));
    }

    #[test]
    fn every_way_agrees() {
        let mut points = vec![G1::default(), G1::generator()];
        for i in 0..360u64 {
            points.push(points[i as usize + 1].double().add(&G1::generator()));
        }
        points[7] = points[6];
        points[9] = points[8].multiply(&{
            let mut minus_one = [0u8; 32];
            minus_one.copy_from_slice(&{
                let r_minus_1: [u64; 4] = [
                    0xffff_ffff_0000_0000,
                    0x53bd_a402_fffe_5bfe,
                    0x3339_d808_09a1_d805,
                    0x73ed_a753_299d_7d48,
                ];
                r_minus_1.map(u64::to_le_bytes).concat()
            });
            minus_one
        });
        let affine = G1::normalize(&points);
        let mut scalars: Vec<Scalar> = (0..points.len() as u64).map(wide).collect();
        scalars[3] = scalar(0);
        scalars[4] = scalar(1);
        scalars[7] = scalars[6].clone();
        scalars[9] = scalars[8].clone();
        for count in [0, 1, 2, 3, 12, 63, 64, 362] {
            let (p, s) = (&points[..count], &scalars[..count]);
            let expected = reference(p, s);
            let bases = PreparedBases::new(&affine[..count]);
            // the last of the secret ones finds tables
            for secret in [false, true, true, true, true, true] {
                assert!(msm(p, s, None, &[], secret).unwrap().equals(&expected), "{count} {secret}");
                assert!(
                    msm(&[], &[], Some(&bases), s, secret).unwrap().equals(&expected),
                    "{count} {secret}"
                );
            }
            assert!(straus(p, s).equals(&expected));
            if count > 1 {
                assert!(buckets(p, s).equals(&expected));
                for most in [0, 1, 128, 129, 136, 137] {
                    let short: Vec<Scalar> = (0..count as u64).map(|i| below(most, i)).collect();
                    let expected = reference(p, &short);
                    assert!(buckets(p, &short).equals(&expected), "{count} {most}");
                }
            }
        }
        assert_eq!(msm(&points, &[], None, &[], false).err(), Some(Error::CountMismatch));
        assert_eq!(msm(&[], &[], None, &scalars[..1], false).err(), Some(Error::CountMismatch));
    }

    /// Points of the curve whose order divides the cofactor: r times any, by doublings and additions only.
    fn outside(count: usize) -> Vec<G1> {
        let r: [u64; 4] =
            [0xffff_ffff_0000_0001, 0x53bd_a402_fffe_5bfe, 0x3339_d808_09a1_d805, 0x73ed_a753_299d_7d48];
        let times_r = |point: G1| {
            (0..256).rev().fold(G1::default(), |sum, bit| {
                let sum = sum.double();
                if r[bit / 64] >> (bit % 64) & 1 == 1 { sum.add(&point) } else { sum }
            })
        };
        let decoded = (0u16..).filter_map(|x| {
            let mut octets = [0; 48];
            octets[0] = 0x80;
            octets[46..].copy_from_slice(&x.to_be_bytes());
            G1Affine::decode(&octets, false, false).ok()
        });
        decoded.map(|point| times_r(point.to_jacobian())).take(count).collect()
    }

    #[test]
    fn sums_with_points_outside_the_subgroup_are_right_once_cleared() {
        let outside = outside(70);
        assert!(outside.iter().all(|point| !point.is_identity() && point.clear_cofactor().is_identity()));
        assert!(!G1::generator().clear_cofactor().is_identity());
        let inside: Vec<G1> =
            (0..70).map(|i| G1::generator().multiply(&wide(i).to_little_endian())).collect();
        let mixed: Vec<G1> = inside.iter().zip(&outside).map(|(one, other)| one.add(other)).collect();
        let scalars: Vec<Scalar> =
            (0..70).map(|i| if i % 3 == 0 { below(128, i) } else { wide(i) }).collect();
        for count in [1, 2, 7, 8, 9, 63, 64, 70] {
            let sum = |points: &[G1]| {
                msm(&points[..count], &scalars[..count], None, &[], false).unwrap().clear_cofactor()
            };
            assert!(sum(&mixed).equals(&sum(&inside)), "{count}");
            assert!(sum(&outside).is_identity(), "{count}");
            assert!(sum(&vec![outside[0]; count]).is_identity(), "{count}");
        }
    }
}
