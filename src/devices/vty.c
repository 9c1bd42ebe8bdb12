/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual terminal's input queue. The hcalls that the guest makes are in pseries/hcall/vio.c.
 */
#include <string.h>

#include "devices/vty.h"

void vty_reset(struct vty *vty)
{
	memset(vty, 0, sizeof(*vty));
	/* Linux's client terminal only routes the interrupt, and never calls H_VIO_SIGNAL. */
	vty->signal = true;
}

void vty_fill(struct vty *vty, vty_read_fn *read, void *opaque)
{
	uint8_t buf[sizeof(vty->queue)];
	unsigned room = sizeof(vty->queue) - vty->count;
	unsigned len;

	if (!room || !read)
		return;
	len = read(opaque, buf, room);
	if (len > room)
		len = room;
	for (unsigned i = 0; i < len; i++)
		vty->queue[(vty->head + vty->count++) % sizeof(vty->queue)] = buf[i];
}

unsigned vty_take(struct vty *vty, uint8_t *buf, unsigned max)
{
	unsigned len = vty->count < max ? vty->count : max;

	for (unsigned i = 0; i < len; i++)
		buf[i] = vty->queue[(vty->head + i) % sizeof(vty->queue)];
	vty->head = (vty->head + len) % sizeof(vty->queue);
	vty->count -= len;
	return len;
}
