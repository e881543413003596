//! The Python module. Arguments are read while the interpreter is attached; everything that takes longer than
//! a few microseconds runs detached from it, on values of its own.

use std::sync::OnceLock;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyTuple};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ffi::{self, G1, G1Affine, G2Affine};
use crate::hash::Expander;
use crate::scalar::Scalar;
use crate::{msm as sums, pairing};

create_exception!(
    zk_native,
    NativeError,
    PyException,
    "A refusal; its only argument is the reason, a stable string."
);

/// Below this many octets a list is hashed without letting other threads run.
const HASH_ATTACHED: usize = 4096;

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        NativeError::new_err(error.reason())
    }
}

fn expander(name: &str) -> PyResult<Expander> {
    match name {
        "xmd-sha-256" => Ok(Expander::XmdSha256),
        "xof-shake-256" => Ok(Expander::XofShake256),
        _ => Err(PyValueError::new_err("an expander is xmd-sha-256 or xof-shake-256")),
    }
}

/// A point of G1, opaque and immutable. Its affine coordinates are kept once they have been asked for.
#[pyclass(frozen, module = "zk_native")]
struct G1Point {
    point: G1,
    affine: OnceLock<G1Affine>,
}

impl G1Point {
    fn new(point: G1) -> G1Point {
        G1Point { point, affine: OnceLock::new() }
    }

    fn from_affine(affine: G1Affine) -> G1Point {
        G1Point { point: affine.to_jacobian(), affine: OnceLock::from(affine) }
    }
}

#[pymethods]
impl G1Point {
    /// Whether this is the identity.
    fn is_identity(&self) -> bool {
        self.point.is_identity()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<G1Point>().is_ok_and(|other| self.point.equals(&other.get().point))
    }
}

/// A point of G2, opaque and immutable.
#[pyclass(frozen, module = "zk_native")]
struct G2Point(G2Affine);

#[pymethods]
impl G2Point {
    /// The opposite point.
    fn negated(&self) -> G2Point {
        G2Point(self.0.negate())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<G2Point>().is_ok_and(|other| self.0.equals(&other.get().0))
    }
}

/// Points of G1 that are multiplied often; their tables are built when they are first needed.
#[pyclass(frozen, module = "zk_native")]
struct PreparedBases(sums::PreparedBases);

#[pymethods]
impl PreparedBases {
    #[new]
    fn new(py: Python<'_>, points: Vec<Bound<'_, G1Point>>) -> PreparedBases {
        let affine = affine(&points);
        PreparedBases(py.detach(|| sums::PreparedBases::new(&affine)))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// A point of G2 that is paired often, with its lines.
#[pyclass(frozen, module = "zk_native")]
struct PreparedG2(pairing::PreparedG2);

#[pymethods]
impl PreparedG2 {
    #[new]
    fn new(py: Python<'_>, point: &G2Point) -> PreparedG2 {
        let point = point.0;
        PreparedG2(py.detach(|| pairing::PreparedG2::new(&point)))
    }
}

/// A secret scalar in [1, r): wiped when dropped, neither shown nor copied nor pickled, constant-time.
#[pyclass(frozen, module = "zk_native")]
struct SecretKey(ffi::Secret);

#[pymethods]
impl SecretKey {
    /// Takes in 32 octets; NativeError INVALID_LENGTH or INVALID_SCALAR.
    #[staticmethod]
    fn from_octets(octets: &[u8]) -> PyResult<SecretKey> {
        Ok(SecretKey(ffi::Secret::from_octets(octets)?))
    }

    /// Returns the key times the generator of G2.
    fn public_key(&self, py: Python<'_>) -> G2Point {
        G2Point(py.detach(|| self.0.public_key()))
    }

    /// Returns `point` / (key + `e`), `e` in 32 octets; NativeError INVALID_SCALAR, DEGENERATE.
    fn divide(&self, py: Python<'_>, point: &G1Point, e: &[u8]) -> PyResult<G1Point> {
        let e: &[u8; 32] = e.try_into().map_err(|_| Error::InvalidLength)?;
        let e = Scalar::from_octets(e)?.to_little_endian();
        let point = point.point;
        Ok(G1Point::new(py.detach(|| self.0.inverse_of_sum(&e).map(|inverse| inverse.multiply(&point)))?))
    }

    /// Returns the 32 secret octets, for key storage and for deriving e only.
    fn to_octets_secret<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, Zeroizing::new(self.0.to_octets()).as_slice())
    }

    fn __repr__(&self) -> &'static str {
        "SecretKey(<hidden>)"
    }

    fn __copy__(&self) -> PyResult<()> {
        refuse_copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<()> {
        refuse_copy()
    }

    fn __reduce__(&self) -> PyResult<()> {
        refuse_copy()
    }

    #[pyo3(signature = (*_protocol))]
    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyTuple>) -> PyResult<()> {
        refuse_copy()
    }

    fn __getstate__(&self) -> PyResult<()> {
        refuse_copy()
    }
}

fn refuse_copy() -> PyResult<()> {
    Err(PyTypeError::new_err("a secret key is not copied; store it with to_octets_secret()"))
}

/// The affine coordinates of points, with one inversion for all that are not known yet.
fn affine(points: &[Bound<'_, G1Point>]) -> Vec<G1Affine> {
    let unknown: Vec<&G1Point> =
        points.iter().map(Bound::get).filter(|point| point.affine.get().is_none()).collect();
    let jacobian: Vec<G1> = unknown.iter().map(|point| point.point).collect();
    for (point, affine) in unknown.iter().zip(G1::normalize(&jacobian)) {
        point.affine.get_or_init(|| affine);
    }
    // every one is known now; the fallback is never taken
    points.iter().map(|point| point.get().affine.get().copied().unwrap_or_default()).collect()
}

#[pymodule]
mod zk_native {
    use super::*;

    #[pymodule_export]
    use super::{G1Point, G2Point, NativeError, PreparedBases, PreparedG2, SecretKey};

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

    /// Decodes points of G1 in compressed form, checked; the first that is wrong decides the error.
    #[pyfunction]
    fn g1s_from_octets(
        py: Python<'_>,
        encodings: Vec<PyBackedBytes>,
        identity: bool,
    ) -> PyResult<Vec<G1Point>> {
        let decode = |octets: &PyBackedBytes| G1Affine::decode(octets, identity).map(G1Point::from_affine);
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

    /// Encodes a point of G2 in compressed form.
    #[pyfunction]
    fn g2_to_octets<'py>(py: Python<'py>, point: &G2Point) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &point.0.encode())
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
            sums::msm(&points, &scalars, prepared.map(|bases| &bases.0), &prepared_scalars, secret)
        })?;
        Ok(G1Point::new(sum))
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
