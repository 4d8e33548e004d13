//! Amazon S3 as a Lambkin plugin.

#[cfg(any())]
mod guest {
    #![allow(missing_docs, unsafe_code, reason = "generated")]
    wit_bindgen::generate!({
        inline: "
            package lambkin:s3;
            world plugin {
                import lambkin:store/objects@0.1.0;
                export lambkin:object-trigger/shaper@0.1.0;
                export lambkin:service/settings@0.1.0;
                
            }
        ",
        path: ["../../wit/store", "../../wit/object-trigger", "../../wit/service", "../../wit/source"],
        world: "lambkin:s3/plugin",
        generate_all,
    });
}
