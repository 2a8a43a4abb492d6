/**
 * An answer that nobody asked for. ioredis complains of one by its `error` event, which a link hears; but of ioredis 6.0.0 the complaint
 * itself fails when the answer is a null, and it is thrown where nobody can catch it: whatever listens on the port could end Warren.
 * So the complaint is given words instead of the answer. The only place that reaches into ioredis.
 */
import handler from 'ioredis/built/DataHandler.js';

/** As Node imports it, the class lies inside; as bundlers do, it is the import itself. */
const { prototype } = (Reflect.get(handler, 'default') ?? handler) as { readonly prototype: object };
const shift: unknown = Reflect.get(prototype, 'shiftCommand');
if (typeof shift !== 'function') throw new Error('This ioredis takes its answers in another way than 6.0.0.');
Reflect.set(prototype, 'shiftCommand', function shiftCommand(this: object, reply: unknown): unknown {
	return shift.call(this, reply instanceof Error ? reply : 'not shown');
});
