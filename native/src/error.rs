//! Everything that can be refused here.

/// Why a call was refused; the names are those of `bbs.errors.Reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An encoding of the wrong length.
    InvalidLength,
    /// Not in compressed form, not canonical, or not on the curve.
    InvalidPoint,
    /// On the curve, outside the subgroup of order r.
    NotInSubgroup,
    /// The identity, where it is not allowed.
    IdentityPoint,
    /// A scalar outside its range.
    InvalidScalar,
    /// Lists that do not go together.
    CountMismatch,
    /// A domain separation tag that is empty or longer than 255 octets.
    InvalidDst,
    /// More output than an expansion can give.
    InputTooLong,
    /// The secret key and e add up to 0.
    Degenerate,
}

impl Error {
    /// The stable name.
    pub fn reason(self) -> &'static str {
        match self {
            Error::InvalidLength => "INVALID_LENGTH",
            Error::InvalidPoint => "INVALID_POINT",
            Error::NotInSubgroup => "NOT_IN_SUBGROUP",
            Error::IdentityPoint => "IDENTITY_POINT",
            Error::InvalidScalar => "INVALID_SCALAR",
            Error::CountMismatch => "COUNT_MISMATCH",
            Error::InvalidDst => "INVALID_DST",
            Error::InputTooLong => "INPUT_TOO_LONG",
            Error::Degenerate => "DEGENERATE",
        }
    }
}

/// What every fallible operation here returns.
pub type Result<T> = std::result::Result<T, Error>;
