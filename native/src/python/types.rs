//! What the Python module hands out: points, what is prepared of them, secret keys, and its one exception.

use std::sync::OnceLock;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ffi::{self, G1, G1Affine, G2Affine};
use crate::scalar::Scalar;
use crate::{bases, pairing};

create_exception!(
    zk_native,
    NativeError,
    PyException,
    "A refusal; its only argument is the reason, a stable string."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        NativeError::new_err(error.reason())
    }
}

/// A point of G1, opaque and immutable. Its affine coordinates are kept once they have been asked for.
#[pyclass(frozen, module = "zk_native")]
pub(super) struct G1Point {
    pub(super) point: G1,
    affine: OnceLock<G1Affine>,
}

impl G1Point {
    pub(super) fn new(point: G1) -> G1Point {
        G1Point { point, affine: OnceLock::new() }
    }

    pub(super) fn from_affine(affine: G1Affine) -> G1Point {
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
pub(super) struct G2Point(pub(super) G2Affine);

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
pub(super) struct PreparedBases(pub(super) bases::PreparedBases);

#[pymethods]
impl PreparedBases {
    #[new]
    fn new(py: Python<'_>, points: Vec<Bound<'_, G1Point>>) -> PreparedBases {
        let affine = affine(&points);
        PreparedBases(py.detach(|| bases::PreparedBases::new(&affine)))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// A point of G2 that is paired often, with its lines.
#[pyclass(frozen, module = "zk_native")]
pub(super) struct PreparedG2(pub(super) pairing::PreparedG2);

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
pub(super) struct SecretKey(ffi::Secret);

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
pub(super) fn affine(points: &[Bound<'_, G1Point>]) -> Vec<G1Affine> {
    let unknown: Vec<&G1Point> =
        points.iter().map(Bound::get).filter(|point| point.affine.get().is_none()).collect();
    let jacobian: Vec<G1> = unknown.iter().map(|point| point.point).collect();
    for (point, affine) in unknown.iter().zip(G1::normalize(&jacobian)) {
        point.affine.get_or_init(|| affine);
    }
    // every one is known now; the fallback is never taken
    points.iter().map(|point| point.get().affine.get().copied().unwrap_or_default()).collect()
}
