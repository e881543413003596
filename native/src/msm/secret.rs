//! Sums with secret scalars: branches and places in memory depend on counts and points only.

use std::hint::black_box;
use zeroize::Zeroize;

use super::Terms;
use crate::bases::{SECRET_WIDTH, odd_multiples};
use crate::ffi::{G1, G1Affine, sums_distinct};
use crate::scalar::{Half, Scalar, windows};

/// The window of the tables that are made for one sum: 8 odd multiples.
const VARIABLE_WIDTH: usize = 4;

/// One sum in the making.
#[derive(Default)]
struct Picked<'a> {
    /// What is read from the tables of prepared bases, for the first and for the second halves of scalars.
    entries: [Vec<G1Affine>; 2],
    corrections: [G1; 2],
    /// Other points, and bases that have no table yet; none is the identity.
    others: Vec<(G1, &'a Scalar)>,
}

/// The sums, which share the inversions of their additions in affine coordinates.
pub(super) fn sums(terms: &[Terms]) -> Vec<G1> {
    let picked: Vec<Picked> = terms.iter().map(picked).collect();
    let lists = || picked.iter().flat_map(|sum| &sum.entries);
    // One by one where a tree meets an exceptional case, which random scalars never do.
    let one_by_one =
        |entries: &Vec<G1Affine>| entries.iter().fold(G1::default(), |sum, entry| sum.add_affine(entry));
    let totals =
        sums_distinct(lists().cloned().collect()).unwrap_or_else(|| lists().map(one_by_one).collect());
    let each = |(picked, totals): (&Picked, &[G1; 2])| {
        let plain = totals[0].add(&picked.corrections[0]);
        let turned = totals[1].add(&picked.corrections[1]);
        plain.add(&turned.endomorphism()).add(&variable(&picked.others))
    };
    picked.iter().zip(totals.as_chunks::<2>().0).map(each).collect()
}

fn picked<'a>(terms: &Terms<'a>) -> Picked<'a> {
    let mut picked = Picked::default();
    let points = terms.points.iter().copied().zip(terms.scalars);
    picked.others.extend(points.filter(|(point, _)| !point.is_identity()));
    let bases = terms.bases().iter().zip(terms.base_scalars);
    for (base, scalar) in bases.filter(|(base, _)| !base.point.is_identity()) {
        let Some(table) = base.secret() else {
            picked.others.push((base.point.to_jacobian(), scalar));
            continue;
        };
        let mut halves = scalar.split();
        let targets = picked.entries.iter_mut().zip(&mut picked.corrections);
        for ((entries, correction), half) in targets.zip(&halves) {
            for window in 0..windows(SECRET_WIDTH) {
                entries.push(pick(table.row(window), half, SECRET_WIDTH, window));
            }
            *correction = correction.add_affine(&surplus(&base.point, half));
        }
        halves.zeroize();
    }
    picked
}

fn variable(terms: &[(G1, &Scalar)]) -> G1 {
    match terms {
        [] => G1::default(),
        [(point, scalar)] => {
            let mut octets = scalar.to_little_endian();
            let product = point.multiply(&octets);
            octets.zeroize();
            product
        }
        _ => together(terms),
    }
}

/// One chain of doublings for all points, none of which is the identity.
fn together(terms: &[(G1, &Scalar)]) -> G1 {
    const ROW: usize = 1 << (VARIABLE_WIDTH - 1);
    let points: Vec<G1> = terms.iter().map(|(point, _)| *point).collect();
    let mut halves: Vec<[Half; 2]> = terms.iter().map(|(_, scalar)| scalar.split()).collect();
    let rows = odd_multiples(&points, ROW);
    let mut sum = G1::default();
    for window in (0..windows(VARIABLE_WIDTH)).rev() {
        for _ in 0..VARIABLE_WIDTH {
            sum.double_in_place();
        }
        for (row, [plain, turned]) in rows.chunks_exact(ROW).zip(&halves) {
            sum = sum.add_affine(&pick(row, plain, VARIABLE_WIDTH, window));
            sum = sum.add_affine(&pick(row, turned, VARIABLE_WIDTH, window).endomorphism(false));
        }
    }
    for (row, [plain, turned]) in rows.chunks_exact(ROW).zip(&halves) {
        sum = sum.add_affine(&surplus(&row[0], plain));
        sum = sum.add_affine(&surplus(&row[0], turned).endomorphism(false));
    }
    halves.zeroize();
    sum
}

/// The multiple that one window of a half stands for, from a row of odd multiples.
fn pick(row: &[G1Affine], half: &Half, width: usize, window: usize) -> G1Affine {
    let digit = half.odd_digit(width, window);
    scan(row, digit.magnitude / 2 + 1).negate_if(digit.negative == 1)
}

/// What takes back that an even half was made odd: the point, its opposite, or the identity.
fn surplus(point: &G1Affine, half: &Half) -> G1Affine {
    let mut back = G1Affine::default();
    back.merge(point, black_box(half.is_even()).wrapping_neg());
    back.negate_if(!half.is_negative())
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
