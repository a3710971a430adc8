//! A Tauri window with a line of text and nothing else: what the first picture of ours is compared with.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page: tauri::Url = "data:text/html,<h1>A bare window</h1><p>with a line of text</p>".parse()?;
    let mut context = tauri::generate_context!();
    context.config_mut().app.windows.clear();
    tauri::Builder::default()
        .setup(move |app| {
            let url = tauri::WebviewUrl::External(page.clone());
            tauri::WebviewWindowBuilder::new(app, "bare", url)
                .inner_size(1280.0, 800.0)
                .build()?;
            Ok(())
        })
        .run(context)?;
    Ok(())
}
