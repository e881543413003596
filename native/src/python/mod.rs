//! The Python module. Arguments are read while the interpreter is attached; everything that takes longer than
//! a few microseconds runs detached from it, on values of its own.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ffi::{self, G1, G1Affine, G2Affine};
use crate::hash::Expander;
use crate::msm::{self as sums, Terms};
use crate::pairing;
use crate::scalar::Scalar;

mod types;
use types::affine;

/// Below this many octets a list is hashed without letting other threads run.
const HASH_ATTACHED: usize = 4096;

fn expander(name: &str) -> PyResult<Expander> {
    match name {
        "xmd-sha-256" => Ok(Expander::XmdSha256),
        "xof-shake-256" => Ok(Expander::XofShake256),
        _ => Err(PyValueError::new_err("an expander is xmd-sha-256 or xof-shake-256")),
    }
}

#[pymodule]
mod zk_native {
    use super::*;

    #[pymodule_export]
    use super::types::{G1Point, G2Point, NativeError, PreparedBases, PreparedG2, SecretKey};

    /// The generator of G1.
    #[pyfunction]
    fn g1_generator() -> G1Point {
        G1Point::new(G1::generator())
    }

    /// The generator of G2.
    #[pyfunction]
    fn g2_generator() -> G2Point {
        G2Point(G2Affine::generator())
    }

    /// Decodes points of G1 in compressed form; the first that is wrong decides the error. Only with
    /// `check_subgroup` are they known to be in G1.
    #[pyfunction]
    #[pyo3(signature = (encodings, identity, check_subgroup=true))]
    fn g1s_from_octets(
        py: Python<'_>,
        encodings: Vec<PyBackedBytes>,
        identity: bool,
        check_subgroup: bool,
    ) -> PyResult<Vec<G1Point>> {
        let decode = |octets: &PyBackedBytes| {
            G1Affine::decode(octets, identity, check_subgroup).map(G1Point::from_affine)
        };
        Ok(py.detach(|| encodings.iter().map(decode).collect::<Result<_, Error>>())?)
    }

    /// Decodes points of G1 in uncompressed form; the first that is wrong decides the error. Only with
    /// `check_subgroup` are they known to be in G1.
    #[pyfunction]
    fn g1s_from_octets_uncompressed(
        py: Python<'_>,
        encodings: Vec<PyBackedBytes>,
        identity: bool,
        check_subgroup: bool,
    ) -> PyResult<Vec<G1Point>> {
        let decode = |octets: &PyBackedBytes| {
            G1Affine::decode_uncompressed(octets, identity, check_subgroup).map(G1Point::from_affine)
        };
        Ok(py.detach(|| encodings.iter().map(decode).collect::<Result<_, Error>>())?)
    }

    /// Decodes points of G2 in compressed form, checked; the first that is wrong decides the error.
    #[pyfunction]
    fn g2s_from_octets(
        py: Python<'_>,
        encodings: Vec<PyBackedBytes>,
        identity: bool,
    ) -> PyResult<Vec<G2Point>> {
        let decode = |octets: &PyBackedBytes| G2Affine::decode(octets, identity).map(G2Point);
        Ok(py.detach(|| encodings.iter().map(decode).collect::<Result<_, Error>>())?)
    }

    /// Encodes points of G1 in compressed form, one after the other, with one inversion for all.
    #[pyfunction]
    fn g1s_to_octets<'py>(py: Python<'py>, points: Vec<Bound<'py, G1Point>>) -> Bound<'py, PyBytes> {
        let octets: Vec<u8> = affine(&points).iter().flat_map(G1Affine::encode).collect();
        PyBytes::new(py, &octets)
    }

    /// Encodes points of G1 in uncompressed form, one after the other, with one inversion for all.
    #[pyfunction]
    fn g1s_to_octets_uncompressed<'py>(
        py: Python<'py>,
        points: Vec<Bound<'py, G1Point>>,
    ) -> Bound<'py, PyBytes> {
        let octets: Vec<u8> = affine(&points).iter().flat_map(G1Affine::encode_uncompressed).collect();
        PyBytes::new(py, &octets)
    }

    /// Encodes a point of G2 in compressed form.
    #[pyfunction]
    fn g2_to_octets<'py>(py: Python<'py>, point: &G2Point) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &point.0.encode())
    }

    /// Multiplies each point by 1 - z, which takes every point of the curve into G1.
    #[pyfunction]
    fn g1s_clear_cofactor(py: Python<'_>, points: Vec<Bound<'_, G1Point>>) -> Vec<G1Point> {
        let points: Vec<G1> = points.iter().map(|point| point.get().point).collect();
        py.detach(|| points.iter().map(|point| G1Point::new(point.clear_cofactor())).collect())
    }

    /// Finishes hash_to_curve from two field elements of 48 octets, most significant first.
    #[pyfunction]
    fn map_to_g1(py: Python<'_>, u: &[u8], v: &[u8]) -> PyResult<G1Point> {
        if u.len() != 48 || v.len() != 48 {
            return Err(Error::InvalidLength.into());
        }
        Ok(G1Point::new(py.detach(|| G1::map(u, v))))
    }

    /// Adds up points times scalars and prepared bases times theirs; scalars are 32 octets each, reduced,
    /// most significant first, one after the other. `secret` chooses the constant-time way.
    #[pyfunction]
    fn msm(
        py: Python<'_>,
        points: Vec<Bound<'_, G1Point>>,
        scalars: &[u8],
        prepared: Option<&PreparedBases>,
        prepared_scalars: &[u8],
        secret: bool,
    ) -> PyResult<G1Point> {
        let points: Vec<G1> = points.iter().map(|point| point.get().point).collect();
        let sum = py.detach(|| {
            let scalars = Scalar::list_from_octets(scalars)?;
            let prepared_scalars = Scalar::list_from_octets(prepared_scalars)?;
            let bases = prepared.map(|bases| &bases.0);
            Ok::<_, Error>(sums::sums(&[Terms::new(&points, &scalars, bases, &prepared_scalars)?], secret))
        })?;
        Ok(G1Point::new(sum[0]))
    }

    /// What `msm` adds up for one sum: points, scalars, bases, their scalars.
    type Sum<'py> =
        (Vec<Bound<'py, G1Point>>, PyBackedBytes, Option<Bound<'py, PreparedBases>>, PyBackedBytes);

    /// Does many `msm` in one call, which share their inversions; the sums come back in affine coordinates.
    #[pyfunction]
    fn msms(py: Python<'_>, terms: Vec<Sum<'_>>, secret: bool) -> PyResult<Vec<G1Point>> {
        let owned: Vec<_> = terms
            .iter()
            .map(|(points, scalars, bases, base_scalars)| {
                let points: Vec<G1> = points.iter().map(|point| point.get().point).collect();
                (points, scalars, bases.as_ref().map(|bases| &bases.get().0), base_scalars)
            })
            .collect();
        let affine = py.detach(|| {
            let mut scalars = Vec::with_capacity(owned.len());
            for (_, each, _, base_scalars) in &owned {
                scalars.push((Scalar::list_from_octets(each)?, Scalar::list_from_octets(base_scalars)?));
            }
            let terms: Vec<Terms> = owned
                .iter()
                .zip(&scalars)
                .map(|((points, _, bases, _), (each, base_scalars))| {
                    Terms::new(points, each, *bases, base_scalars)
                })
                .collect::<Result<_, Error>>()?;
            Ok::<_, Error>(G1::normalize(&sums::sums(&terms, secret)))
        })?;
        Ok(affine.into_iter().map(G1Point::from_affine).collect())
    }

    /// Returns 1 / scalar modulo r, constant-time; NativeError INVALID_LENGTH, INVALID_SCALAR.
    #[pyfunction]
    fn invert_scalar<'py>(py: Python<'py>, scalar: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, Zeroizing::new(ffi::invert(scalar)?).as_slice()))
    }

    /// Tells whether the product of the pairings is the identity of GT.
    #[pyfunction]
    fn pairing_product_is_one(
        py: Python<'_>,
        firsts: Vec<Bound<'_, G1Point>>,
        seconds: Vec<Bound<'_, PreparedG2>>,
    ) -> PyResult<bool> {
        if firsts.len() != seconds.len() {
            return Err(Error::CountMismatch.into());
        }
        let firsts: Vec<G1> = firsts.iter().map(|first| first.get().point).collect();
        let seconds: Vec<&pairing::PreparedG2> = seconds.iter().map(|second| &second.get().0).collect();
        Ok(py.detach(|| pairing::product_is_one(&firsts, &seconds)))
    }

    /// Tells whether e(`a`, `b`) e(`c`, `d`) = 1 by two Miller loops of blst and one final exponentiation with
    /// nothing prepared: the benchmarks' unit. NativeError IDENTITY_POINT if any is the identity.
    #[pyfunction]
    fn pairing_check_unprepared(
        py: Python<'_>,
        a: Bound<'_, G1Point>,
        b: &G2Point,
        c: Bound<'_, G1Point>,
        d: &G2Point,
    ) -> PyResult<bool> {
        let firsts = affine(&[a, c]);
        let pairs = [(firsts[0], b.0), (firsts[1], d.0)];
        if pairs.iter().any(|(first, second)| first.is_identity() || second.is_identity()) {
            return Err(Error::IdentityPoint.into());
        }
        Ok(py.detach(|| pairing::check_unprepared(&pairs)))
    }

    fn hashed<T: Send>(
        py: Python<'_>,
        messages: &[PyBackedBytes],
        hash: impl Fn(&[u8]) -> Result<T, Error> + Send + Sync,
    ) -> PyResult<Vec<T>> {
        let all = || messages.iter().map(|message| hash(message)).collect::<Result<_, Error>>();
        let octets: usize = messages.iter().map(|message| message.len() + 256).sum();
        Ok(if octets < HASH_ATTACHED { all() } else { py.detach(all) }?)
    }

    /// Expands each message to `length` octets; NativeError INVALID_DST, INPUT_TOO_LONG.
    #[pyfunction]
    fn expand_messages(
        py: Python<'_>,
        messages: Vec<PyBackedBytes>,
        dst: &[u8],
        length: usize,
        expander_name: &str,
    ) -> PyResult<Vec<Py<PyBytes>>> {
        if length > usize::from(u16::MAX) {
            return Err(Error::InputTooLong.into());
        }
        let expander = expander(expander_name)?;
        let expanded = hashed(py, &messages, |message| {
            let mut out = vec![0; length];
            expander.expand(message, dst, &mut out).map(|()| out)
        })?;
        Ok(expanded.iter().map(|octets| PyBytes::new(py, octets).unbind()).collect())
    }

    /// Hashes each message to a scalar; 32 octets each, one after the other; NativeError INVALID_DST.
    #[pyfunction]
    fn hash_to_scalars<'py>(
        py: Python<'py>,
        messages: Vec<PyBackedBytes>,
        dst: &[u8],
        expander_name: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let expander = expander(expander_name)?;
        let scalars = hashed(py, &messages, |message| expander.scalar(message, dst))?;
        Ok(PyBytes::new(py, scalars.as_flattened()))
    }

    /// Hashes each message to a point of G1 (RFC 9380, section 3); NativeError INVALID_DST.
    #[pyfunction]
    fn hash_to_g1s(
        py: Python<'_>,
        messages: Vec<PyBackedBytes>,
        dst: &[u8],
        expander_name: &str,
    ) -> PyResult<Vec<G1Point>> {
        let expander = expander(expander_name)?;
        let points: Vec<G1> = py.detach(|| {
            messages.iter().map(|message| expander.point(message, dst)).collect::<Result<_, Error>>()
        })?;
        Ok(points.into_iter().map(G1Point::new).collect())
    }
}
