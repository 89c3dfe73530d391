//! Positions on a plot.

/// x to the right and y down, in units of which a column of a page has about 320.
pub(super) type Point = (f64, f64);

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    /// From its upper left corner and size.
    pub(super) const fn at((left, top): Point, (width, height): (f64, f64)) -> Area {
        Area {
            left,
            top,
            width,
            height,
        }
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The x of the middle.
    pub(super) fn middle(&self) -> f64 {
        self.left + 0.5 * self.width
    }

    /// The y of the centre.
    pub(super) fn centre(&self) -> f64 {
        self.top + 0.5 * self.height
    }
}
