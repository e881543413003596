//! The only module with unsafe code: blst's functions behind types that cannot be misused.
//!
//! blst reads and writes through plain pointers, keeps no reference after it returns, allocates nothing, has
//! no global state that changes after its first call, and allows an output to overlap an input wherever that
//! is done below. Every pointer given to it comes from a Rust reference or slice whose length is checked
//! before the pointer is formed. Points here are on the curve, and in the subgroup unless they were decoded
//! without that check or are sums of such points.

use blst::BLST_ERROR;

use crate::error::{Error, Result};

mod batch;
mod field;
mod g1;
mod g2;
mod pairing;
mod secret;

pub use batch::{odd_multiples, shorten_groups, sums_distinct};
pub use g1::{G1, G1Affine};
pub use g2::G2Affine;
pub use pairing::{Fp12, LINES, LinePoint, Lines};
pub use secret::{Secret, invert, reduce};

fn checked(code: BLST_ERROR) -> Result<()> {
    match code {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Err(Error::NotInSubgroup),
        _ => Err(Error::InvalidPoint),
    }
}
