//! Products of pairings with one final exponentiation.

use crate::ffi::{Fp12, G1, G1Affine, G2Affine, LinePoint, Lines};

/// A point of G2 with the lines of its Miller loop, 19 KB; the identity has none.
pub struct PreparedG2(Option<Box<Lines>>);

impl PreparedG2 {
    /// Computes the lines.
    pub fn new(point: &G2Affine) -> PreparedG2 {
        PreparedG2((!point.is_identity()).then(|| Lines::new(point)))
    }
}

/// Whether the product of the pairings is the identity of GT; pairs with an identity count as 1.
pub fn product_is_one(firsts: &[G1], seconds: &[&PreparedG2]) -> bool {
    let affine = G1::normalize(firsts);
    let pairs: Vec<(LinePoint, &Lines)> = affine
        .iter()
        .zip(seconds)
        .filter(|(first, _)| !first.is_identity())
        .filter_map(|(first, second)| Some((LinePoint::new(first), second.0.as_deref()?)))
        .collect();
    pairs.is_empty() || Fp12::miller_loop(&pairs).is_one_in_gt()
}

/// Whether e(a, b) e(c, d) = 1 by blst's own loops, one for each pair, with nothing prepared: the unit of the
/// benchmarks. No point may be the identity.
pub fn check_unprepared(pairs: &[(G1Affine, G2Affine); 2]) -> bool {
    let [one, two] = pairs.each_ref().map(|(first, second)| Fp12::miller_loop_unprepared(first, second));
    one.multiply(&two).is_one_in_gt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::Secret;

    #[test]
    fn pairings_are_bilinear_and_agree_with_blst() {
        let mut octets = [0; 32];
        octets[20..].copy_from_slice(b"twelve bytes");
        let key = Secret::from_octets(&octets).unwrap();
        let (g, w) = (G1::generator(), key.public_key());
        let left = key.multiply(&g);
        let minus = G2Affine::generator().negate();
        let (prepared_w, prepared_minus) = (PreparedG2::new(&w), PreparedG2::new(&minus));
        let one = [g, left];
        assert!(product_is_one(&one, &[&prepared_w, &prepared_minus]));
        assert!(!product_is_one(&[left, g], &[&prepared_w, &prepared_minus]));
        assert!(product_is_one(&[], &[]));
        let none = PreparedG2::new(&G2Affine::default());
        assert!(product_is_one(
            &[g, g, left, G1::default()],
            &[&none, &prepared_w, &prepared_minus, &prepared_w]
        ));
        let affine = G1::normalize(&one);
        assert!(check_unprepared(&[(affine[0], w), (affine[1], minus)]));
        assert!(!check_unprepared(&[(affine[1], w), (affine[1], minus)]));
    }
}
