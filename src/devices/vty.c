/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual terminal. The hcalls that the guest makes are in pseries/hcall/vio.c. */
#include "devices/vty.h"

static void reset(struct device *device)
{
	struct vty *vty = (struct vty *)device;

	/* Linux's client terminal only routes the interrupt, and never calls H_VIO_SIGNAL. */
	vty->state = (struct vty_state){ .signal = true };
}

static void describe(const struct device *device, struct tree *tree)
{
	tree_begin(tree, "vty@71000000");
	tree_string(tree, "device_type", "serial");
	tree_string(tree, "compatible", "hvterm1");
	tree_u32(tree, "reg", VTY_UNIT);
	tree_u32(tree, "interrupt-parent", XICS_PHANDLE);
	TREE_CELLS(tree, "interrupts", VTY_INTERRUPT, 0); /* 0: edge */
	tree_u32(tree, "phandle", VTY_PHANDLE);
	tree_end(tree);
}

static const struct record_field fields[] = {
	RECORD_NUMBER(struct vty_state, signal, true),
	RECORD_NUMBER(struct vty_state, head, UINT8_MAX),
	RECORD_NUMBER(struct vty_state, count, sizeof(((struct vty_state *)0)->queue)),
	RECORD_ARRAY(struct vty_state, queue, UINT8_MAX),
};

static const struct record_type record = {
	.name = "vty",
	.size = sizeof(struct vty_state),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
};

static const struct device_type type = {
	.name = "vty",
	.reset = reset,
	.describe = describe,
	.bus = DEVICE_VDEVICE,
	.record = &record,
	.state_offset = offsetof(struct vty, state),
};

void vty_init(struct vty *vty, const struct vty_console *console,
	      void (*raise)(void *opaque, uint32_t interrupt), void *opaque)
{
	*vty = (struct vty){
		.device = { &type }, .console = *console, .raise = raise, .opaque = opaque
	};
	reset(&vty->device);
}

bool vty_write(struct vty *vty, const void *buf, unsigned len)
{
	const struct vty_console *console = &vty->console;

	if (len && console->busy && console->busy(console->opaque))
		return false;
	if (len && console->write)
		console->write(console->opaque, buf, len);
	return true;
}

/* Move input from the console to the queue, as much as fits. */
static void fill(struct vty *vty)
{
	struct vty_state *s = &vty->state;
	uint8_t buf[sizeof(s->queue)];
	unsigned room = sizeof(s->queue) - s->count;
	unsigned len;

	if (!room || !vty->console.read)
		return;
	len = vty->console.read(vty->console.opaque, buf, room);
	if (len > room)
		len = room;
	for (unsigned i = 0; i < len; i++)
		s->queue[(s->head + s->count++) % sizeof(s->queue)] = buf[i];
}

static void interrupt_for_input(struct vty *vty)
{
	if (vty->state.signal && vty->state.count)
		vty->raise(vty->opaque, VTY_INTERRUPT);
}

void vty_input(struct vty *vty)
{
	fill(vty);
	interrupt_for_input(vty);
}

unsigned vty_read(struct vty *vty, uint8_t *buf, unsigned max)
{
	struct vty_state *s = &vty->state;
	unsigned len;

	fill(vty);
	len = s->count < max ? s->count : max;
	for (unsigned i = 0; i < len; i++)
		buf[i] = s->queue[(s->head + i) % sizeof(s->queue)];
	s->head = (uint8_t)((s->head + len) % sizeof(s->queue));
	s->count = (uint16_t)(s->count - len);
	interrupt_for_input(vty);
	return len;
}

void vty_set_signal(struct vty *vty, bool on)
{
	vty->state.signal = on;
	if (on)
		vty_input(vty);
}
