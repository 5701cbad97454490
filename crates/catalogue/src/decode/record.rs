//! One declaration of a mapping for its reader and for its schema.

/// Declares a struct whose fields are the keys of a mapping; `..` adds the keys of another record. The reader
/// refuses unknown keys, and so does the schema. What stands behind `=` is what a key means that is not given:
/// the schema and the reference tell it, and a test compares it with what is done.
macro_rules! record {
    (
        $what:literal
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident : $ty:ty $( = $default:expr )?, )*
            $( .. $flat:ident : $flat_ty:ty, )*
        }
    ) => {
        #[derive(Clone, Debug, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$meta])*
        $vis struct $name {
            $(
                $(#[$field_meta])*
                $( #[schemars(extend("default" = $default))] )?
                pub(crate) $field: $ty,
            )*
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
