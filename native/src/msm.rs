//! Sums of points times scalars.
//!
//! A scalar k is split into (a, b) with k = a + b z^2, both of 127 bits and a sign, and z^2 P costs one
//! multiplication in the field. For public scalars: few points share one chain of doublings (Straus, width-5
//! NAF), many go to blst's buckets (Pippenger), and prepared bases read every window from a table and add up
//! in affine coordinates by batched inversions. For secret scalars: fixed windows, tables read in full,
//! batched inversions over points none of which is the identity, and blst's own constant-time multiplication
//! for points without a table. Which points and how many are never secret.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};
use zeroize::Zeroize;

use crate::error::{Error, Result};
use crate::ffi::{G1, G1Affine};
use crate::scalar::{Scalar, windows};

const NAF_WIDTH: usize = 5;
const NAF_ENTRIES: usize = 1 << (NAF_WIDTH - 2);
/// From how many variable points on the buckets cost no more; measured.
const PIPPENGER_FROM: usize = 32;
/// From how many entries on two sums and one endomorphism cost less than one sum and many; measured.
const SPLIT_FROM: usize = 512;
/// The window of the tables that are read in full: 26 rows of 16 odd multiples, 40 KB for each base.
const SECRET_WIDTH: usize = 5;

/// The window of a base's public table by its place: 196, 68 or 41 KB for each base, 170 MB for 4,096 bases.
fn public_width(place: usize) -> usize {
    match place {
        0..128 => 8,
        128..512 => 6,
        _ => 5,
    }
}

/// For each window i some multiples of 2^(width i) P, one row after the other.
struct Table {
    width: usize,
    entries: Vec<G1Affine>,
}

impl Table {
    /// The multiples 1, 2, 3 to 2^(width - 1).
    fn new(point: &G1Affine, width: usize) -> Table {
        Table { width, entries: G1Affine::rows(&G1::normalize(&firsts(point, width)), width) }
    }

    /// The multiples 1, 3, 5 to 2^width - 1.
    fn odd(point: &G1Affine, width: usize) -> Table {
        let mut entries = Vec::with_capacity(windows(width) << (width - 1));
        for first in firsts(point, width) {
            odd_multiples(&first, 1 << (width - 1), &mut entries);
        }
        Table { width, entries: G1::normalize(&entries) }
    }

    fn row(&self, window: usize) -> &[G1Affine] {
        let size = 1 << (self.width - 1);
        &self.entries[window * size..(window + 1) * size]
    }
}

/// 2^(width i) P for each window i.
fn firsts(point: &G1Affine, width: usize) -> Vec<G1> {
    let mut each = point.to_jacobian();
    let mut out = Vec::with_capacity(windows(width));
    for _ in 0..windows(width) {
        out.push(each);
        for _ in 0..width {
            each.double_in_place();
        }
    }
    out
}

/// Appends P, 3 P, 5 P and so on.
fn odd_multiples(point: &G1, count: usize, out: &mut Vec<G1>) {
    let double = point.double();
    let mut each = *point;
    out.push(each);
    for _ in 1..count {
        each = each.add(&double);
        out.push(each);
    }
}

/// A point with its tables, each built when it is first needed.
struct Base {
    point: G1Affine,
    public_width: usize,
    public: OnceLock<Table>,
    secret: OnceLock<Table>,
}

impl Base {
    fn public(&self) -> &Table {
        self.public.get_or_init(|| Table::new(&self.point, self.public_width))
    }

    fn secret(&self) -> &Table {
        self.secret.get_or_init(|| Table::odd(&self.point, SECRET_WIDTH))
    }
}

#[derive(Default)]
struct Known {
    bases: HashMap<[u64; 12], Weak<Base>>,
    /// At how many entries those that nobody holds any more are swept out.
    sweep_at: usize,
}

/// Every base that somebody holds, so that equal bases share their tables.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Points that are multiplied often. Cheap to make, to clone and to share between threads.
#[derive(Clone)]
pub struct PreparedBases(Arc<[Arc<Base>]>);

impl PreparedBases {
    /// Prepares points; equal points, here or elsewhere, share their tables as long as any of them lives.
    pub fn new(points: &[G1Affine]) -> PreparedBases {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { bases: known, sweep_at } = &mut *known;
        if known.len() >= *sweep_at {
            known.retain(|_, base| base.strong_count() > 0);
            *sweep_at = 2 * known.len() + 64;
        }
        let base = |(place, point): (usize, &G1Affine)| {
            let key = point.limbs();
            known.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
                let base = Arc::new(Base {
                    point: *point,
                    public_width: public_width(place),
                    public: OnceLock::new(),
                    secret: OnceLock::new(),
                });
                known.insert(key, Arc::downgrade(&base));
                base
            })
        };
        PreparedBases(points.iter().enumerate().map(base).collect())
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The sum of `points` times `scalars` and of the first bases times `base_scalars`; `secret` picks the
/// constant-time way.
pub fn msm(
    points: &[G1],
    scalars: &[Scalar],
    bases: Option<&PreparedBases>,
    base_scalars: &[Scalar],
    secret: bool,
) -> Result<G1> {
    let bases: &[Arc<Base>] = bases.map_or(&[], |bases| &bases.0);
    if points.len() != scalars.len() || base_scalars.len() > bases.len() {
        return Err(Error::CountMismatch);
    }
    if secret {
        return Ok(variable_secret(points, scalars).add(&fixed_secret(bases, base_scalars)));
    }
    let variable =
        if points.len() < PIPPENGER_FROM { straus(points, scalars) } else { buckets(points, scalars)? };
    Ok(variable.add(&fixed(bases, base_scalars)))
}

fn straus(points: &[G1], scalars: &[Scalar]) -> G1 {
    let mut multiples = Vec::with_capacity(points.len() * NAF_ENTRIES);
    for point in points {
        odd_multiples(point, NAF_ENTRIES, &mut multiples);
    }
    let plain = G1::normalize(&multiples);
    let turned: Vec<G1Affine> = plain.iter().map(|point| point.endomorphism(false)).collect();
    let digits: Vec<[[i8; 129]; 2]> =
        scalars.iter().map(|scalar| scalar.split().map(|half| half.wnaf(NAF_WIDTH))).collect();
    let mut sum = G1::default();
    let mut started = false;
    for bit in (0..129).rev() {
        if started {
            sum.double_in_place();
        }
        for (i, halves) in digits.iter().enumerate() {
            for (table, half) in [&plain, &turned].into_iter().zip(halves) {
                let digit = half[bit];
                if digit != 0 {
                    let entry = &table[i * NAF_ENTRIES + usize::from(digit.unsigned_abs() / 2)];
                    sum.accumulate(&entry.negate_if(digit < 0));
                    started = true;
                }
            }
        }
    }
    sum
}

fn buckets(points: &[G1], scalars: &[Scalar]) -> Result<G1> {
    let mut terms = Vec::with_capacity(2 * points.len());
    let mut octets = Vec::with_capacity(32 * points.len());
    for (point, scalar) in G1::normalize(points).iter().zip(scalars) {
        for (point, half) in [*point, point.endomorphism(false)].iter().zip(scalar.split()) {
            terms.push(point.negate_if(half.is_negative()));
            octets.extend(half.magnitude());
        }
    }
    G1::pippenger(&terms, &octets, 127)
}

fn fixed(bases: &[Arc<Base>], scalars: &[Scalar]) -> G1 {
    // Where the entries are is worked out before any is used, so that the reads from memory overlap.
    let mut picks: [Vec<(&G1Affine, bool)>; 2] = [(); 2].map(|()| Vec::with_capacity(16 * scalars.len()));
    let mut touched = 0;
    for (base, scalar) in bases.iter().zip(scalars) {
        if scalar.is_zero() {
            continue;
        }
        let table = base.public();
        for (picks, half) in picks.iter_mut().zip(scalar.split()) {
            for window in 0..windows(table.width) {
                let digit = half.digit(table.width, window);
                if digit.magnitude != 0 {
                    let entry = &table.row(window)[digit.magnitude as usize - 1];
                    touched ^= entry.touch();
                    picks.push((entry, digit.negative == 1));
                }
            }
        }
    }
    black_box(touched);
    let [plain, turned] = picks;
    let negated = |(entry, negative): (&G1Affine, bool)| entry.negate_if(negative);
    if turned.len() > SPLIT_FROM {
        let [plain, turned] =
            [plain, turned].map(|picks| G1::sum(&picks.into_iter().map(negated).collect::<Vec<_>>()));
        return plain.add(&turned.endomorphism());
    }
    let turned = turned.into_iter().map(|(entry, negative)| entry.endomorphism(negative));
    G1::sum(&plain.into_iter().map(negated).chain(turned).collect::<Vec<_>>())
}

fn variable_secret(points: &[G1], scalars: &[Scalar]) -> G1 {
    let mut sum = G1::default();
    for (point, scalar) in points.iter().zip(scalars) {
        let mut octets = scalar.to_little_endian();
        sum = sum.add(&point.multiply(&octets));
        octets.zeroize();
    }
    sum
}

fn fixed_secret(bases: &[Arc<Base>], scalars: &[Scalar]) -> G1 {
    let mut picks: [Vec<G1Affine>; 2] =
        [(); 2].map(|()| Vec::with_capacity((windows(SECRET_WIDTH) + 1) * scalars.len()));
    let mut corrections = [G1::default(); 2];
    for (base, scalar) in bases.iter().zip(scalars).filter(|(base, _)| !base.point.is_identity()) {
        let table = base.secret();
        let mut halves = scalar.split();
        for ((picks, correction), half) in picks.iter_mut().zip(&mut corrections).zip(&halves) {
            for window in 0..windows(SECRET_WIDTH) {
                let digit = half.odd_digit(SECRET_WIDTH, window);
                let entry = scan(table.row(window), digit.magnitude / 2 + 1);
                picks.push(entry.negate_if(digit.negative == 1));
            }
            // what made an even half odd is taken back: one point, or the identity
            let mut back = G1Affine::default();
            back.merge(&base.point, black_box(half.is_even()).wrapping_neg());
            *correction = correction.add_affine(&back.negate_if(!half.is_negative()));
        }
        halves.zeroize();
    }
    let correction = corrections[0].add(&corrections[1].endomorphism());
    let [plain, mut turned] = picks;
    let sum = if turned.len() > SPLIT_FROM {
        let sums = [plain, turned].map(sum_secret);
        sums[0].add(&sums[1].endomorphism())
    } else {
        let all = plain.into_iter().chain(turned.drain(..).map(|entry| entry.endomorphism(false))).collect();
        sum_secret(all)
    };
    sum.add(&correction)
}

/// The sum of entries of secret places; one by one where the tree meets an exceptional case, which random
/// scalars never do.
fn sum_secret(entries: Vec<G1Affine>) -> G1 {
    let one_by_one = || entries.iter().fold(G1::default(), |sum, entry| sum.add_affine(entry));
    G1Affine::sum_distinct(entries.clone()).unwrap_or_else(one_by_one)
}

/// The entry at a secret place, counted from 1, or the identity at 0; every entry is read.
fn scan(row: &[G1Affine], place: u64) -> G1Affine {
    let mut out = G1Affine::default();
    for (i, entry) in (1u64..).zip(row) {
        let difference = i ^ place;
        // all ones if the two are equal
        let mask = black_box((difference | difference.wrapping_neg()) >> 63).wrapping_sub(1);
        out.merge(entry, mask);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn reference(points: &[G1], scalars: &[Scalar]) -> G1 {
        variable_secret(points, scalars)
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
        for count in [0, 1, 2, 3, 12, 33, 362] {
            let (p, s) = (&points[..count], &scalars[..count]);
            let expected = reference(p, s);
            let bases = PreparedBases::new(&affine[..count]);
            for secret in [false, true] {
                assert!(msm(p, s, None, &[], secret).unwrap().equals(&expected), "{count} {secret}");
                assert!(
                    msm(&[], &[], Some(&bases), s, secret).unwrap().equals(&expected),
                    "{count} {secret}"
                );
            }
            assert!(straus(p, s).equals(&expected));
            if count > 1 {
                assert!(buckets(p, s).unwrap().equals(&expected));
            }
        }
        assert_eq!(msm(&points, &[], None, &[], false).err(), Some(Error::CountMismatch));
        assert_eq!(msm(&[], &[], None, &scalars[..1], false).err(), Some(Error::CountMismatch));
    }

    #[test]
    fn equal_bases_share_their_tables_and_let_go_of_them() {
        let point = G1::normalize(&[G1::generator().double()]);
        let (one, two) = (PreparedBases::new(&point), PreparedBases::new(&point));
        assert!(Arc::ptr_eq(&one.0[0], &two.0[0]));
        let weak = Arc::downgrade(&one.0[0]);
        drop((one, two));
        assert!(weak.upgrade().is_none());
    }
}
