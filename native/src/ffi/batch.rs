//! Sums in affine coordinates, many at once, with one inversion for all. Constant-time but for
//! [`shorten_groups`].

use blst::{blst_fp, blst_p1_affine};

use super::field::{ONE, add, invert, multiply, subtract};
use super::{G1, G1Affine};

/// At how few pairs adding one by one costs no more than another inversion; measured.
const PAIRS_UNTIL: usize = 8;

/// Adds to the first of each pair the second. None if some two are equal or opposite or one is the identity;
/// what is in the firsts is then of no use.
fn add_pairs(pairs: &mut [(&mut G1Affine, &G1Affine)]) -> Option<()> {
    let mut before = Vec::with_capacity(pairs.len());
    let mut product = ONE;
    for (first, second) in &*pairs {
        before.push(product);
        product = multiply(&product, &subtract(&second.0.x, &first.0.x));
    }
    let mut inverse = invert(&product);
    if inverse.l == [0; 6] {
        return None;
    }
    for ((first, second), before) in pairs.iter_mut().zip(&before).rev() {
        let slope = multiply(&subtract(&second.0.y, &first.0.y), &multiply(&inverse, before));
        inverse = multiply(&inverse, &subtract(&second.0.x, &first.0.x));
        **first = along(&slope, first, second);
    }
    Some(())
}

/// The sum of two points on a line of this slope.
fn along(slope: &blst_fp, first: &G1Affine, second: &G1Affine) -> G1Affine {
    let x = subtract(&subtract(&multiply(slope, slope), &first.0.x), &second.0.x);
    let y = subtract(&multiply(slope, &subtract(&first.0.x, &x)), &first.0.y);
    G1Affine(blst_p1_affine { x, y })
}

/// The sum of each list, by trees that share their inversions.
///
/// None, in less time, if two partial sums that meet are equal or opposite, or a point is the identity: for
/// points times independent random scalars that is as unlikely as guessing one of them.
pub fn sums_distinct(mut lists: Vec<Vec<G1Affine>>) -> Option<Vec<G1>> {
    loop {
        let mut pairs: Vec<_> = lists
            .iter_mut()
            .flat_map(|points| {
                let half = points.len() / 2;
                let (firsts, seconds) = points.split_at_mut(half);
                firsts.iter_mut().zip(&*seconds)
            })
            .collect();
        if pairs.len() <= PAIRS_UNTIL {
            break;
        }
        add_pairs(&mut pairs)?;
        for points in &mut lists {
            let (half, odd) = (points.len() / 2, points.len() % 2);
            if odd == 1 {
                points[half] = points[2 * half];
            }
            points.truncate(half + odd);
        }
    }
    let one_by_one =
        |points: &Vec<G1Affine>| points.iter().fold(G1::default(), |sum, point| sum.add_affine(point));
    Some(lists.iter().map(one_by_one).collect())
}

/// P, 3 P, 5 P up to (2 count - 1) P for each point P, one row after the other, given 2 P for each.
///
/// None if a point has an order below 2 count, which no point of the subgroup but the identity has.
pub fn odd_multiples(points: &[G1Affine], doubles: &[G1Affine], count: usize) -> Option<Vec<G1Affine>> {
    let mut each = points.to_vec();
    let mut out = vec![G1Affine::default(); points.len() * count];
    for place in 0..count {
        if place > 0 {
            add_pairs(&mut each.iter_mut().zip(doubles).collect::<Vec<_>>())?;
        }
        for (row, point) in out.chunks_exact_mut(count).zip(&each) {
            row[place] = *point;
        }
    }
    Some(out)
}

/// How two points are added whatever they are: by a slope, or the sum is known without.
enum Addition {
    Slope { numerator: blst_fp, denominator: blst_fp },
    Known(G1Affine),
}

fn addition(first: &G1Affine, second: &G1Affine) -> Addition {
    let (a, b) = (&first.0, &second.0);
    if first.is_identity() {
        return Addition::Known(*second);
    }
    if second.is_identity() {
        return Addition::Known(*first);
    }
    if a.x != b.x {
        return Addition::Slope { numerator: subtract(&b.y, &a.y), denominator: subtract(&b.x, &a.x) };
    }
    if a.y != b.y {
        return Addition::Known(G1Affine::default());
    }
    // no point of the curve has order 2, so that 2 y is not 0
    let square = multiply(&a.x, &a.x);
    Addition::Slope { numerator: add(&add(&square, &square), &square), denominator: add(&a.y, &a.y) }
}

/// An addition that waits for the inverse of its denominator.
struct Waiting<'a> {
    pair: &'a [G1Affine],
    to: usize,
    numerator: blst_fp,
    denominator: blst_fp,
    /// The product of the denominators before.
    before: blst_fp,
}

/// Adds up points of the curve within groups that stand one after the other, until few are left to be added:
/// what remains has the same sum in each group. Whatever the points are; not constant-time.
pub fn shorten_groups(points: &mut Vec<G1Affine>, lengths: &mut [usize]) {
    while lengths.iter().map(|length| length / 2).sum::<usize>() > PAIRS_UNTIL {
        *points = halve_groups(points, lengths);
    }
}

fn halve_groups(points: &[G1Affine], lengths: &mut [usize]) -> Vec<G1Affine> {
    let mut out = Vec::with_capacity(points.len() / 2 + lengths.len());
    let mut waiting = Vec::with_capacity(points.len() / 2);
    let (mut rest, mut product) = (points, ONE);
    for length in lengths {
        let (group, others) = rest.split_at(*length);
        for pair in group.chunks(2) {
            let known = match pair {
                [first, second] => match addition(first, second) {
                    Addition::Known(sum) => sum,
                    Addition::Slope { numerator, denominator } => {
                        let to = out.len();
                        waiting.push(Waiting { pair, to, numerator, denominator, before: product });
                        product = multiply(&product, &denominator);
                        G1Affine::default()
                    }
                },
                _ => pair[0],
            };
            out.push(known);
        }
        *length = length.div_ceil(2);
        rest = others;
    }
    let mut inverse = invert(&product);
    for Waiting { pair, to, numerator, denominator, before } in waiting.iter().rev() {
        let slope = multiply(numerator, &multiply(&inverse, before));
        inverse = multiply(&inverse, denominator);
        out[*to] = along(&slope, &pair[0], &pair[1]);
    }
    out
}
