/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual terminal: a bounded queue between the console's input and H_GET_TERM_CHAR, and the
 * way of output to the console, which needs no state. LoPAR section "Client Vterm".
 */
#ifndef FWNMI_DEVICES_VTY_H
#define FWNMI_DEVICES_VTY_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "devices/xics.h"

#define VTY_UNIT	 0x71000000u
#define VTY_PATH	 "/vdevice/vty@71000000"
#define VTY_PHANDLE	 2u
#define VTY_INTERRUPT	 (XICS_SOURCE_BASE + 0)
#define VTY_TRANSFER_MAX 16u /* characters that one hcall carries */

/* The host's side of the terminal. Each function may be NULL. */
struct vty_console {
	void (*write)(void *opaque, const void *buf, unsigned len);
	/* Up to @len bytes of pending input; returns the count, 0 if there are none. */
	unsigned (*read)(void *opaque, void *buf, unsigned len);
	/* Is there no room for output now? NULL: there always is room. */
	bool (*busy)(void *opaque);
	void *opaque;
};

struct vty_state {
	bool signal; /* input raises the interrupt, unless H_VIO_SIGNAL turned that off */
	uint8_t head; /* of the queue */
	uint16_t count; /* characters in it */
	uint8_t queue[256];
};

struct vty {
	struct device device;
	struct vty_state state;
	struct vty_console console;
	void (*raise)(void *opaque, uint32_t interrupt); /* where its interrupt goes */
	void *opaque;
};

/** vty_init() - @console is copied. */
void vty_init(struct vty *vty, const struct vty_console *console,
	      void (*raise)(void *opaque, uint32_t interrupt), void *opaque);
/** vty_write() - output; false, and nothing is written, if the console has no room now. */
bool vty_write(struct vty *vty, const void *buf, unsigned len);
/** vty_input() - the console may have input: queue what fits, and raise the interrupt for it. */
void vty_input(struct vty *vty);
/**
 * vty_read() - take up to @max characters of input; returns the count
 *
 * What is left raises the interrupt again, for the guest may stop reading here.
 */
unsigned vty_read(struct vty *vty, uint8_t *buf, unsigned max);
/** vty_set_signal() - turn the interrupt on or off; what is queued already raises it. */
void vty_set_signal(struct vty *vty, bool on);

#endif
