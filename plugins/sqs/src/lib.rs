//! Amazon SQS as a Lambkin plugin.

#[cfg(any())]
mod guest {
    #![allow(missing_docs, unsafe_code, reason = "generated")]
    wit_bindgen::generate!({
        inline: "
            package lambkin:sqs;
            world plugin {
                import lambkin:store/queues@0.1.0;
                export lambkin:batch-trigger/shaper@0.1.0;
                export lambkin:service/settings@0.1.0;
                export lambkin:source/poller@0.1.0;
            }
        ",
        path: ["../../wit/store", "../../wit/batch-trigger", "../../wit/service", "../../wit/source"],
        world: "lambkin:sqs/plugin",
        generate_all,
    });
}
