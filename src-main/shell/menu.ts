/** The application's menu and its icon in the system's tray. */
import { app, Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';

/** Sets the menu. Developer tools are offered outside of packed apps only. */
export function setMenu(): void {
	const view: MenuItemConstructorOptions[] = [
		{ role: 'resetZoom' },
		{ role: 'zoomIn' },
		{ role: 'zoomOut' },
		{ type: 'separator' },
		{ role: 'togglefullscreen' },
		...(app.isPackaged ? [] : ([{ role: 'toggleDevTools' }] satisfies MenuItemConstructorOptions[])),
	];
	Menu.setApplicationMenu(
		Menu.buildFromTemplate([
			...(process.platform === 'darwin' ? ([{ role: 'appMenu' }] satisfies MenuItemConstructorOptions[]) : []),
			{ role: 'fileMenu' },
			{ role: 'editMenu' },
			{ label: 'View', submenu: view },
			{ role: 'windowMenu' },
		]),
	);
}

/** Puts an icon in the tray that brings the window back; null where there is no icon to show. */
export function makeTray(icon: string, show: () => void): Tray | null {
	const image = nativeImage.createFromPath(icon);
	if (image.isEmpty()) return null;
	const tray = new Tray(image);
	tray.setToolTip('Warren');
	tray.setContextMenu(
		Menu.buildFromTemplate([
			{ label: 'Show Warren', click: show },
			{ type: 'separator' },
			{ label: 'Quit', click: () => app.quit() },
		]),
	);
	tray.on('click', show);
	return tray;
}
