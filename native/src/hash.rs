//! Expansions of messages (RFC 9380, section 5.3), and scalars and points from them.

use sha2::{Digest, Sha256};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

use crate::error::{Error, Result};
use crate::ffi::{G1, reduce};

/// Octets that are expanded for one scalar.
pub const SCALAR_EXPANSION: usize = 48;
const FIELD_EXPANSION: usize = 64;

/// How messages are expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expander {
    /// expand_message_xmd with SHA-256.
    XmdSha256,
    /// expand_message_xof with SHAKE-256.
    XofShake256,
}

impl Expander {
    /// Fills `out`; `InvalidDst`, or `InputTooLong` if `out` is longer than the expansion can be.
    pub fn expand(self, message: &[u8], dst: &[u8], out: &mut [u8]) -> Result<()> {
        let dst_length = match u8::try_from(dst.len()) {
            Ok(length) if length > 0 => length,
            _ => return Err(Error::InvalidDst),
        };
        let length = u16::try_from(out.len()).map_err(|_| Error::InputTooLong)?.to_be_bytes();
        match self {
            Expander::XmdSha256 => {
                if out.len() > 255 * 32 {
                    return Err(Error::InputTooLong);
                }
                let first = Sha256::new()
                    .chain_update([0; 64])
                    .chain_update(message)
                    .chain_update(length)
                    .chain_update([0])
                    .chain_update(dst)
                    .chain_update([dst_length])
                    .finalize();
                let mut mixed = first;
                for (chunk, number) in out.chunks_mut(32).zip(1u8..=255) {
                    let block = Sha256::new()
                        .chain_update(mixed)
                        .chain_update([number])
                        .chain_update(dst)
                        .chain_update([dst_length])
                        .finalize();
                    chunk.copy_from_slice(&block[..chunk.len()]);
                    for ((mixed, first), block) in mixed.iter_mut().zip(&first).zip(&block) {
                        *mixed = first ^ block;
                    }
                }
            }
            Expander::XofShake256 => {
                let mut hasher = Shake256::default();
                for part in [message, &length, dst, &[dst_length]] {
                    Update::update(&mut hasher, part);
                }
                hasher.finalize_xof().read(out);
            }
        }
        Ok(())
    }

    /// Hashes a message to a scalar of 32 octets (the BBS draft's hash_to_scalar).
    pub fn scalar(self, message: &[u8], dst: &[u8]) -> Result<[u8; 32]> {
        let mut uniform = [0; SCALAR_EXPANSION];
        self.expand(message, dst, &mut uniform)?;
        Ok(reduce(&uniform))
    }

    /// Hashes a message to a point (RFC 9380, section 3).
    pub fn point(self, message: &[u8], dst: &[u8]) -> Result<G1> {
        let mut uniform = [0; 2 * FIELD_EXPANSION];
        self.expand(message, dst, &mut uniform)?;
        let (u, v) = uniform.split_at(FIELD_EXPANSION);
        Ok(G1::map(u, v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// RFC 9380, appendix K.1 and K.6: the first case of each, 0x20 octets.
    #[test]
    fn published_vectors() {
        let mut out = [0; 32];
        let dst = b"QUUX-V01-CS02-with-expander-SHA256-128";
        Expander::XmdSha256.expand(b"", dst, &mut out).unwrap();
        assert_eq!(hex(&out), "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235");
        let dst = b"QUUX-V01-CS02-with-expander-SHAKE256";
        Expander::XofShake256.expand(b"", dst, &mut out).unwrap();
        assert_eq!(hex(&out), "2ffc05c48ed32b95d72e807f6eab9f7530dd1c2f013914c8fed38c5ccc15ad76");
    }

    #[test]
    fn limits() {
        for expander in [Expander::XmdSha256, Expander::XofShake256] {
            assert_eq!(expander.expand(b"", b"", &mut [0]), Err(Error::InvalidDst));
            assert_eq!(expander.expand(b"", &[0; 256], &mut [0]), Err(Error::InvalidDst));
            assert_eq!(expander.expand(b"", b"d", &mut [0; 65536]), Err(Error::InputTooLong));
            assert_eq!(expander.expand(b"", &[0; 255], &mut [0; 8160]), Ok(()));
        }
        assert_eq!(Expander::XmdSha256.expand(b"", b"d", &mut [0; 8161]), Err(Error::InputTooLong));
        assert_eq!(Expander::XofShake256.expand(b"", b"d", &mut [0; 65535]), Ok(()));
    }
}
