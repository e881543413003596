//! Sums with public scalars. Nothing here is constant-time.

use std::hint::black_box;
use std::sync::Arc;

use crate::bases::{Base, odd_multiples};
use crate::ffi::{G1, G1Affine, shorten_groups};
use crate::scalar::{Digit, Half, Scalar, windows};

const NAF_WIDTH: usize = 5;
const NAF_ENTRIES: usize = 1 << (NAF_WIDTH - 2);
/// From how many variable points on the buckets cost no more; measured.
const PIPPENGER_FROM: usize = 64;
/// From how many entries on two sums and one endomorphism cost less than one sum and many; measured.
const SPLIT_FROM: usize = 512;

/// The sum of points times scalars.
pub(super) fn variable(points: &[G1], scalars: &[Scalar]) -> G1 {
    if points.len() < PIPPENGER_FROM { straus(points, scalars) } else { buckets(points, scalars) }
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

/// Buckets (Pippenger): for each window the points are grouped by their digit, and the groups are added up in
/// affine coordinates, all of a window with one inversion a round.
pub(super) fn buckets(points: &[G1], scalars: &[Scalar]) -> G1 {
    let mut terms = Vec::with_capacity(2 * points.len());
    for (point, scalar) in G1::normalize(points).iter().zip(scalars) {
        match scalar.short() {
            Some(whole) => terms.push((*point, whole)),
            None => terms.extend([*point, point.endomorphism(false)].into_iter().zip(scalar.split())),
        }
    }
    let width = bucket_width(terms.len());
    (0..bucket_windows(width)).rev().fold(G1::default(), |mut sum, window| {
        for _ in 0..width {
            sum.double_in_place();
        }
        sum.add(&window_sum(&terms, width, window))
    })
}

/// How many signed windows cover 128 bits and the last carry.
fn bucket_windows(width: usize) -> usize {
    129usize.div_ceil(width)
}

/// The width for which the additions are fewest; those that merge a bucket cost about four in affine coordinates.
fn bucket_width(terms: usize) -> usize {
    (2..=12).min_by_key(|&width| bucket_windows(width) * (terms + (4 << (width - 1)))).unwrap_or(2)
}

fn window_sum(terms: &[(G1Affine, Half)], width: usize, window: usize) -> G1 {
    let digits: Vec<Digit> = terms.iter().map(|(_, half)| half.digit(width, window)).collect();
    let mut lengths = vec![0; 1 + (1 << (width - 1))];
    for digit in &digits {
        lengths[digit.magnitude as usize] += 1;
    }
    lengths[0] = 0;
    let mut next = lengths.clone();
    let count = next.iter_mut().fold(0, |start, length| start + std::mem::replace(length, start));
    let mut grouped = vec![G1Affine::default(); count];
    for ((point, _), digit) in terms.iter().zip(&digits) {
        if digit.magnitude != 0 {
            let place = &mut next[digit.magnitude as usize];
            grouped[*place] = point.negate_if(digit.negative == 1);
            *place += 1;
        }
    }
    shorten_groups(&mut grouped, &mut lengths);
    // bucket i counts i times: the sum of the sums of the buckets from each on
    let (mut above, mut sum, mut rest) = (G1::default(), G1::default(), grouped.as_slice());
    for length in lengths.into_iter().skip(1).rev() {
        let (lower, group) = rest.split_at(rest.len() - length);
        for point in group {
            above.accumulate(point);
        }
        sum = sum.add(&above);
        rest = lower;
    }
    sum
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
