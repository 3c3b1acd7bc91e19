const _: () = {
    use ::system_bus_runtime::__private as __bus;
    impl __bus::EventUnion for Either {
        fn decode(
            name: &str,
            data: &__bus::serde_json::value::RawValue,
        ) -> ::core::result::Result<Self, __bus::DecodeError> {
            if name == <One as __bus::EventData>::NAME {
                return __bus::decode::<One>(data).map(Self::One);
            }
            if name == <other::Two as __bus::EventData>::NAME {
                return __bus::decode::<other::Two>(data).map(Self::Two);
            }
            if name == "inngest/function.invoked" {
                if let ::core::result::Result::Ok(data) = __bus::decode::<One>(data) {
                    return ::core::result::Result::Ok(Self::One(data));
                }
                if let ::core::result::Result::Ok(data) = __bus::decode::<
                    other::Two,
                >(data) {
                    return ::core::result::Result::Ok(Self::Two(data));
                }
            }
            let known: &[&str] = &[
                <One as __bus::EventData>::NAME,
                <other::Two as __bus::EventData>::NAME,
            ];
            ::core::result::Result::Err(__bus::DecodeError {
                path: ::std::string::String::new(),
                message: ::std::format!(
                    "no variant holds the event `{name}`; {} {}", "it holds one of",
                    known.join(", ")
                ),
            })
        }
    }
    impl __bus::Accepts<One> for Either {}
    impl __bus::Accepts<other::Two> for Either {}
};
