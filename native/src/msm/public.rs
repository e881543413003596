//! Sums with public scalars. Nothing here is constant-time.

use std::hint::black_box;
use std::sync::Arc;

use crate::bases::{Base, odd_multiples};
use crate::error::Result;
use crate::ffi::{G1, G1Affine};
use crate::scalar::{Scalar, windows};

const NAF_WIDTH: usize = 5;
const NAF_ENTRIES: usize = 1 << (NAF_WIDTH - 2);
/// From how many variable points on the buckets cost no more; measured.
const PIPPENGER_FROM: usize = 32;
/// Up to which length scalars are not split: two halves are more work than one scalar of their length.
const SHORT_OCTETS: usize = 17;
/// From how many entries on two sums and one endomorphism cost less than one sum and many; measured.
const SPLIT_FROM: usize = 512;

/// The sum of points times scalars.
pub(super) fn variable(points: &[G1], scalars: &[Scalar]) -> Result<G1> {
    if points.len() < PIPPENGER_FROM { Ok(straus(points, scalars)) } else { buckets(points, scalars) }
}

pub(super) fn straus(points: &[G1], scalars: &[Scalar]) -> G1 {
    let plain = odd_multiples(points, NAF_ENTRIES);
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

pub(super) fn buckets(points: &[G1], scalars: &[Scalar]) -> Result<G1> {
    let affine = G1::normalize(points);
    let octets = scalars.iter().map(Scalar::octet_length).max().unwrap_or(0);
    if (1..=SHORT_OCTETS).contains(&octets) {
        let short: Vec<u8> =
            scalars.iter().flat_map(|scalar| scalar.to_little_endian().into_iter().take(octets)).collect();
        return G1::pippenger(&affine, &short, 8 * octets);
    }
    let mut terms = Vec::with_capacity(2 * points.len());
    let mut octets = Vec::with_capacity(32 * points.len());
    for (point, scalar) in affine.iter().zip(scalars) {
        for (point, half) in [*point, point.endomorphism(false)].iter().zip(scalar.split()) {
            terms.push(point.negate_if(half.is_negative()));
            octets.extend(half.magnitude());
        }
    }
    G1::pippenger(&terms, &octets, 127)
}

pub(super) fn fixed(bases: &[Arc<Base>], scalars: &[Scalar]) -> G1 {
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
