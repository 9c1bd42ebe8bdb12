/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that the KVM engine makes, as a table, so that tests can replace them. Linux
 * Documentation/virt/kvm/api.rst describes them.
 */
#ifndef FWNMI_ENGINE_KVM_SYS_H
#define FWNMI_ENGINE_KVM_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct kvm_sys {
	int (*open_kvm)(void); /* a descriptor, or -errno */
	int (*ioctl)(int fd, unsigned long request,
		     unsigned long argument); /* a result, or -errno */
	void *(*map)(int fd, size_t size); /* a vCPU's kvm_run; NULL: errno */
	void (*unmap)(void *address, size_t size);
	void (*close)(int fd);
	uint64_t (*timebase)(void); /* the host's */
	uint32_t (*timebase_hz)(void); /* 0: unknown */
};

extern const struct kvm_sys kvm_sys_linux;

/** kvm_available() - engine_ops.available with these system calls */
bool kvm_available(const struct kvm_sys *sys, char *err, size_t err_size);
/** kvm_create() - engine_ops.create with these system calls; @sys must outlive the engine */
struct engine *kvm_create(const struct kvm_sys *sys, const struct engine_config *config, char *err,
			  size_t err_size);

#endif
