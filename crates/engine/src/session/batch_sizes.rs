//! How many images one run of the trunk takes.

/// How many images go through the trunk at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSizes {
    /// Fewer are filled up to so many.
    pub(crate) smallest: usize,
    pub(crate) largest: usize,
}

impl BatchSizes {
    /// The size that a batch is filled up to: few different ones, each tried at the start.
    pub(crate) fn bucket(self, images: usize) -> usize {
        let size = images.next_power_of_two().max(self.smallest);
        size.min(self.largest).max(images)
    }

    /// Every size that batches have.
    pub(crate) fn buckets(self) -> impl Iterator<Item = usize> {
        let first = self.bucket(1);
        std::iter::successors(Some(first), move |size| {
            (*size < self.largest).then(|| self.bucket(size + 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::BatchSizes;

    #[test]
    fn batches_are_filled_up_to_powers_of_two() {
        let batches = BatchSizes {
            smallest: 1,
            largest: 6,
        };
        let sizes: Vec<_> = (1..=9).map(|images| batches.bucket(images)).collect();
        assert_eq!(sizes, [1, 2, 4, 4, 6, 6, 7, 8, 9]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [1, 2, 4, 6]);
    }

    #[test]
    fn batches_of_one_size_are_filled_up_to_it() {
        let batches = BatchSizes {
            smallest: 8,
            largest: 8,
        };
        assert_eq!([1, 5, 8].map(|images| batches.bucket(images)), [8, 8, 8]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [8]);
    }
}
