//! One declaration of a mapping for its reader and for its schema.

/// Declares a struct whose fields are the keys of a mapping. `flatten` adds the keys of another
/// record. The reader refuses unknown keys, and so does the schema.
macro_rules! record {
    (
        $what:literal
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident : $ty:ty, )*
            $( .. $flat:ident : $flat_ty:ty, )*
        }
    ) => {
        #[derive(Clone, Debug, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$field_meta])* pub(crate) $field: $ty, )*
            $(
                #[doc = "Further keys."]
                #[schemars(flatten)]
                pub(crate) $flat: $flat_ty,
            )*
        }

        impl $name {
            /// Every key it knows.
            pub(crate) fn keys() -> Vec<&'static str> {
                [vec![$( stringify!($field).trim_start_matches("r#") ),*], $( <$flat_ty>::keys() ),*].concat()
            }

            /// Reads the fields of an opened mapping.
            pub(crate) fn from_fields(
                fields: &$crate::decode::Fields<'_>,
                cx: &mut $crate::decode::Context<'_>,
            ) -> Option<Self> {
                $( let $field: Option<$ty> = fields.take(stringify!($field).trim_start_matches("r#"), cx); )*
                $( let $flat: Option<$flat_ty> = <$flat_ty>::from_fields(fields, cx); )*
                Some(Self { $( $field: $field?, )* $( $flat: $flat?, )* })
            }
        }

        impl $crate::decode::Decode for $name {
            fn decode(node: &$crate::yaml::Node, cx: &mut $crate::decode::Context<'_>) -> Option<Self> {
                let fields = $crate::decode::Fields::open(node, &Self::keys(), $what, cx)?;
                Self::from_fields(&fields, cx)
            }
        }
    };
}
pub(crate) use record;
