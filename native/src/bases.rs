//! Points that are multiplied often, and their tables.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use crate::ffi::{G1, G1Affine, odd_multiples as batched};
use crate::scalar::windows;

/// The window of the tables that are read in full: 26 rows of 16 odd multiples, 40 KB for each base.
pub(crate) const SECRET_WIDTH: usize = 5;
/// How many secret multiplications of a base without a table cost as much as the table: a proof from a
/// credential that is proven once builds none for its signature.
const SECRET_USES: u32 = 4;
/// From how many points on an inversion for each addition of all costs less than additions without; measured.
const BATCH_FROM: usize = 8;

/// The window of a base's public table by its place: 196, 68 or 41 KB for each base, 170 MB for 4,096 bases.
fn public_width(place: usize) -> usize {
    match place {
        0..128 => 8,
        128..512 => 6,
        _ => 5,
    }
}

/// For each window i some multiples of 2^(width i) P, one row after the other.
pub(crate) struct Table {
    pub(crate) width: usize,
    entries: Vec<G1Affine>,
}

impl Table {
    /// The multiples 1, 2, 3 to 2^(width - 1).
    fn new(point: &G1Affine, width: usize) -> Table {
        Table { width, entries: G1Affine::rows(&G1::normalize(&firsts(point, width)), width) }
    }

    /// The multiples 1, 3, 5 to 2^width - 1.
    fn odd(point: &G1Affine, width: usize) -> Table {
        Table { width, entries: odd_multiples(&firsts(point, width), 1 << (width - 1)) }
    }

    pub(crate) fn row(&self, window: usize) -> &[G1Affine] {
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

/// P, 3 P, 5 P up to (2 count - 1) P for each point P, one row after the other. Constant-time for points of
/// the subgroup that are not the identity.
pub(crate) fn odd_multiples(points: &[G1], count: usize) -> Vec<G1Affine> {
    let doubles: Vec<G1> = points.iter().map(G1::double).collect();
    if points.len() >= BATCH_FROM {
        let [firsts, doubles] = [points, &doubles].map(G1::normalize);
        if let Some(rows) = batched(&firsts, &doubles, count) {
            return rows;
        }
    }
    let mut out = Vec::with_capacity(points.len() * count);
    for (point, double) in points.iter().zip(&doubles) {
        let mut each = *point;
        for place in 0..count {
            if place > 0 {
                each = each.add(double);
            }
            out.push(each);
        }
    }
    G1::normalize(&out)
}

/// A point with its tables, each built when it is first needed.
pub(crate) struct Base {
    pub(crate) point: G1Affine,
    public_width: usize,
    public: OnceLock<Table>,
    secret: OnceLock<Table>,
    /// How often a table for secret scalars would have been of use.
    secret_uses: AtomicU32,
}

impl Base {
    pub(crate) fn public(&self) -> &Table {
        self.public.get_or_init(|| Table::new(&self.point, self.public_width))
    }

    /// The table for secret scalars, unless this base has been used so little that it has not paid off.
    pub(crate) fn secret(&self) -> Option<&Table> {
        let table = self.secret.get();
        if table.is_some() || self.secret_uses.fetch_add(1, Ordering::Relaxed) < SECRET_USES {
            return table;
        }
        Some(self.secret.get_or_init(|| Table::odd(&self.point, SECRET_WIDTH)))
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
                    secret_uses: AtomicU32::new(0),
                });
                known.insert(key, Arc::downgrade(&base));
                base
            })
        };
        PreparedBases(points.iter().enumerate().map(base).collect())
    }

    pub(crate) fn each(&self) -> &[Arc<Base>] {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

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
