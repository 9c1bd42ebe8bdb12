/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all devices have in common, so that the partition can walk a list of them. A device is a
 * struct that begins with struct device. Its architected state is one plain struct in it; beside
 * that are pointers to the host and to other devices, and what follows from the state.
 */
#ifndef FWNMI_DEVICES_DEVICE_H
#define FWNMI_DEVICES_DEVICE_H

#include "base/record.h"
#include "base/tree.h"

struct device;

/* Where in the device tree a device's node stands. */
enum device_bus {
	DEVICE_ROOT,
	DEVICE_VDEVICE,
};

struct device_type {
	const char *name;
	/* Back to the state after power-on. NULL: a reboot changes nothing. */
	void (*reset)(struct device *device);
	/* Write the device's node. NULL: guests know it by its calls alone. */
	void (*describe)(const struct device *device, struct tree *tree);
	enum device_bus bus;
	/* The device's architected state, and its offset in the device's struct. */
	const struct record_type *record;
	size_t state_offset;
	/* After a load: update what depends on the state. NULL: nothing does. */
	void (*loaded)(struct device *device);
};

struct device {
	const struct device_type *type;
};

/** device_part() - the device's state, for records_save() and records_load() */
static inline struct record_part device_part(struct device *device)
{
	return (struct record_part){ device->type->record,
				     (char *)device + device->type->state_offset };
}

#endif
