import '../../../src-renderer/styles/base.css';
import { mount } from 'svelte';
import Gallery from './Gallery.svelte';

const wanted = new URLSearchParams(location.search);
document.documentElement.dataset.theme = wanted.get('theme') ?? 'system';
const target = document.querySelector('#app');
if (target !== null) mount(Gallery, { target, props: { page: wanted.get('page') ?? 'failed' } });
