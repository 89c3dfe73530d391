//! From the channels that a file stores to red, green and blue.

/// Repeats every grey value; `channels` bytes per pixel, of which the first is the grey.
pub(super) fn from_grey(values: &[u8], channels: usize) -> Vec<u8> {
    let pixels = values.chunks_exact(channels);
    let greys = pixels.filter_map(|pixel| pixel.first());
    greys.flat_map(|grey| [*grey; 3]).collect()
}

/// Drops the alpha of red, green, blue, alpha.
pub(super) fn from_rgba(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
        .collect()
}

/// CMYK (0 = no ink) without a profile, in the fixed-point arithmetic of Pillow: with n = 255 − K and t = C·n + 128,
/// red is n − (t + t/256)/256, and likewise green of M and blue of Y.
pub(super) fn from_cmyk(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|[cyan, magenta, yellow, black]| {
            let light = 255 - u32::from(*black);
            [cyan, magenta, yellow].map(|colour| {
                let product = u32::from(*colour) * light + 128;
                let absorbed = (product + (product >> 8)) >> 8;
                // absorbed <= light <= 255, since colour <= 255
                (light - absorbed) as u8
            })
        })
        .collect()
}
