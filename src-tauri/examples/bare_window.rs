//! A Tauri window with a line of text and nothing else: what the first picture of ours is compared with.

use tauri::http::Response;

const PAGE: &str = "<!doctype html><meta charset=utf-8><h1>A bare window</h1><p>with a line of text</p>";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page: tauri::Url = "bare://localhost/".parse()?;
    let mut context = tauri::generate_context!();
    context.config_mut().app.windows.clear();
    tauri::Builder::default()
        .register_uri_scheme_protocol("bare", |_, _| {
            let page = PAGE.as_bytes().to_vec();
            let mut response = Response::new(page);
            let html = tauri::http::HeaderValue::from_static("text/html");
            response.headers_mut().insert("content-type", html);
            response
        })
        .setup(move |app| {
            let url = tauri::WebviewUrl::CustomProtocol(page.clone());
            tauri::WebviewWindowBuilder::new(app, "bare", url)
                .inner_size(1280.0, 800.0)
                .build()?;
            Ok(())
        })
        .run(context)?;
    Ok(())
}
