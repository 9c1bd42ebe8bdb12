/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving and loading a device: see device.h. */
#include "devices/device.h"

size_t device_record_size(const struct device *device)
{
	return record_size(device->type->record);
}

size_t device_save(const struct device *device, void *buf, size_t size)
{
	const struct device_type *type = device->type;

	return record_save(type->record, (const char *)device + type->state_offset, buf, size);
}

bool device_load(struct device *device, const void *record, size_t size, char *err, size_t err_size)
{
	const struct device_type *type = device->type;

	if (!record_load(type->record, (char *)device + type->state_offset, record, size, err,
			 err_size))
		return false;
	if (type->loaded)
		type->loaded(device);
	return true;
}
