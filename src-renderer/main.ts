/** Starts the page: connects to the engine and mounts the one component that is all of it. */
import './styles/base.css';
import { mount } from 'svelte';
import { version } from '../package.json';
import App from './App.svelte';
import { windowAddressBar } from './state/route.svelte.ts';
import { Warren } from './state/warren.svelte.ts';
import { openEngine } from './state/wire.svelte.ts';

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no place for the console.');
const { client, status } = openEngine(version);
mount(App, { target, props: { warren: new Warren(client, status, windowAddressBar()) } });
