//! Closed sets of words: each variant with the word that stands for it.

/// Makes an enum of it, with all of its variants in the order of exposition, and
/// the word of each.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $Name:ident {
            $($(#[$doc:meta])* $Variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        pub enum $Name {
            $($(#[$doc])* $Variant),+
        }

        impl $Name {
            /// All of them, in the order of exposition.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$Variant),+];

            /// The label value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Variant => $word),+
                }
            }
        }
    };
}

pub(crate) use words;
