//! Gzip (RFC 1952): compressed responses and a gzip bomb.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, write::GzEncoder};
use futures_util::{Stream, StreamExt, stream};

/// Magic number, deflate, no flags, no time, no extra flags, unknown system.
const HEAD: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
/// An empty last block of deflate.
const LAST_BLOCK: [u8; 2] = [3, 0];
/// The size of the piece that is compressed once and sent repeatedly.
const PIECE: usize = 1 << 20;

pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// A stream that decompresses to this many bytes, in whole pieces, all of them spaces. Compressed, it is a thousandth of that.
///
/// All pieces have the same bytes. Each refers to earlier spaces, which are those of the previous piece.
pub(crate) fn bomb(bytes: usize) -> impl Stream<Item = Bytes> + Send + 'static {
    let filling = vec![b' '; PIECE];
    let mut piece = Vec::with_capacity(PIECE);
    // The buffer is larger than the compressed spaces, and a new compressor accepts any input.
    let _ = Compress::new(Compression::best(), false).compress_vec(&filling, &mut piece, FlushCompress::Sync);
    let (count, mut one, mut all) = ((bytes / PIECE).max(1), Crc::new(), Crc::new());
    one.update(&filling);
    (0..count).for_each(|_| all.combine(&one));
    let trailer = [LAST_BLOCK.as_slice(), &all.sum().to_le_bytes(), &all.amount().to_le_bytes()].concat();
    stream::iter([Bytes::from_static(&HEAD)])
        .chain(stream::iter(std::iter::repeat_n(Bytes::from(piece), count)))
        .chain(stream::iter([Bytes::from(trailer)]))
}

#[cfg(test)]
pub(crate) fn unpack(packed: &[u8]) -> Vec<u8> {
    use std::io::Read;

    let mut body = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut body).unwrap();
    body
}
