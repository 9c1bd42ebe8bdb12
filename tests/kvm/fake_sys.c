/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kvm-hv; see fake_sys.h. First its guest, then the calls on a vCPU, a virtual machine and
 * /dev/kvm, then the calls that the C library makes for the engine.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_sys.h"

struct fake_kvm fake;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Descriptors are never reused, so that a use after close is detected. */
#define FIRST_FD 100000
#define MAX_FDS	 4096

enum fd_kind {
	FD_CLOSED,
	FD_KVM,
	FD_VM,
	FD_VCPU
};

static struct {
	enum fd_kind kind;
	struct fake_vm *vm;
	struct fake_vcpu *vcpu;
} fds[MAX_FDS];
static unsigned nr_fds;

void fake_lock(void)
{
	pthread_mutex_lock(&lock);
}

void fake_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((format(printf, 1, 2))) static int misuse(const char *format, ...)
{
	va_list ap;

	if (!fake.misuse[0]) {
		va_start(ap, format);
		vsnprintf(fake.misuse, sizeof(fake.misuse), format, ap);
		va_end(ap);
	}
	return -EINVAL;
}

static int new_fd(enum fd_kind kind, struct fake_vm *vm, struct fake_vcpu *vcpu)
{
	if (nr_fds == MAX_FDS)
		return misuse("more descriptors than the fake has");
	fds[nr_fds].kind = kind;
	fds[nr_fds].vm = vm;
	fds[nr_fds].vcpu = vcpu;
	fake.open_fds++;
	return FIRST_FD + (int)nr_fds++;
}

static int fd_index(int fd)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + (int)nr_fds)
		return -1;
	return fds[fd - FIRST_FD].kind == FD_CLOSED ? -1 : fd - FIRST_FD;
}

/* ---- the guest ---- */

/* Everything is real mode, and the high bits of an effective address are ignored. */
#define REAL(address) ((address)&0x0fffffffffffffffull)

static bool get_insn(struct fake_vcpu *v, uint32_t *insn)
{
	const struct fake_vm *vm = v->vm;
	uint64_t address = REAL(v->regs.pc);

	if (!vm->memory || address > vm->memory_size - 4)
		return false;
	*insn = get_be32(vm->memory + address);
	if (v->regs.msr & MSR_LE)
		*insn = __builtin_bswap32(*insn);
	return true;
}

static void interrupt(struct fake_vcpu *v, uint64_t vector, uint64_t srr1)
{
	v->regs.srr0 = v->regs.pc;
	v->regs.srr1 = v->regs.msr | srr1;
	v->regs.pc = vector;
	v->regs.msr = MSR_SF | MSR_ME | (v->lpcr & LPCR_ILE ? MSR_LE : 0);
}

/* KVM_RUN's result, or `going`: the guest continues. */
enum {
	going = 1
};

static int exit_with(struct fake_vcpu *v, uint32_t reason)
{
	v->run->exit_reason = reason;
	return 0;
}

static int hypervisor_call(struct fake_vcpu *v)
{
	v->regs.pc += 4;
	/*
	 * On hardware this is an interrupt to the hypervisor, which changes the guest's registers.
	 */
	v->regs.srr0 = v->regs.pc;
	v->regs.srr1 = v->regs.msr;
	if (!v->papr)
		return misuse("a hypervisor call of a vCPU without KVM_CAP_PPC_PAPR");
	v->run->papr_hcall.nr = v->regs.gpr[3];
	for (unsigned i = 0; i < 9; i++)
		v->run->papr_hcall.args[i] = v->regs.gpr[4 + i];
	v->run->papr_hcall.ret = 0x1234567;
	v->hcall_open = true;
	return exit_with(v, KVM_EXIT_PAPR_HCALL);
}

static int mmio(struct fake_vcpu *v, const struct fake_event *event)
{
	v->mmio = *event;
	v->mmio_left = event->pieces ? event->pieces : 1;
	v->regs.pc += 4;
	v->run->mmio.phys_addr = event->address;
	v->run->mmio.len = event->length;
	v->run->mmio.is_write = event->write;
	memset(v->run->mmio.data, 0xa5, sizeof(v->run->mmio.data));
	return exit_with(v, KVM_EXIT_MMIO);
}

static int machine_check(struct fake_vcpu *v, const struct fake_event *event)
{
	v->dsisr = event->dsisr;
	v->dar = event->dar;
	if (!v->vm->fwnmi) {
		interrupt(v, VECTOR_MACHINE_CHECK, event->srr1);
		return going;
	}
	v->regs.msr |= event->srr1;
	v->run->flags = (uint16_t)event->flags;
	return exit_with(v, KVM_EXIT_NMI);
}

static int happen(struct fake_vcpu *v, const struct fake_event *event)
{
	switch (event->kind) {
	case FAKE_MACHINE_CHECK:
		return machine_check(v, event);
	case FAKE_MMIO:
		return mmio(v, event);
	case FAKE_EXIT:
		if (event->reason == KVM_EXIT_FAIL_ENTRY)
			v->run->fail_entry.hardware_entry_failure_reason = event->value;
		else if (event->reason == KVM_EXIT_INTERNAL_ERROR)
			v->run->internal.suberror = (uint32_t)event->value;
		else
			v->run->hw.hardware_exit_reason = event->value;
		return exit_with(v, event->reason);
	case FAKE_ERROR:
		return -event->error;
	case FAKE_DECREMENTER:
		v->dec_expiry = fake_sys.timebase() + v->tb_offset + event->value;
		break;
	case FAKE_SKIP:
		v->regs.pc += 4;
		break;
	case FAKE_NOP:
		break;
	}
	v->regs.pc += 4;
	return going;
}

/* A loop, for the fake: waits for a signal or an event from outside. */
static int block(struct fake_vcpu *v, const sigset_t *mask)
{
	struct pollfd fd = { .fd = v->wake_fd, .events = POLLIN };
	uint64_t drained;
	int rc;

	fake_unlock();
	rc = ppoll(&fd, 1, NULL, mask);
	if (rc > 0)
		(void)!read(v->wake_fd, &drained, sizeof(drained));
	fake_lock();
	return rc < 0 ? -EINTR : going;
}

static int load_store(struct fake_vcpu *v, uint32_t insn)
{
	const struct fake_vm *vm = v->vm;
	unsigned opcode = insn >> 26, rt = insn >> 21 & 31, ra = insn >> 16 & 31;
	bool store = opcode == 62 || opcode == 36;
	unsigned length = opcode == 36 ? 4 : 8;
	int64_t displacement = (int16_t)(insn & (length == 8 ? 0xfffc : 0xffff));
	uint64_t address = (ra ? v->regs.gpr[ra] : 0) + (uint64_t)displacement;

	if (REAL(address) > vm->memory_size - length)
		return mmio(v, &(struct fake_event){ .address = REAL(address),
						     .length = length,
						     .write = store,
						     .rt = rt });
	if (opcode == 62)
		put_be64(vm->memory + REAL(address), v->regs.gpr[rt]);
	else if (opcode == 36)
		put_be32(vm->memory + REAL(address), (uint32_t)v->regs.gpr[rt]);
	else
		v->regs.gpr[rt] = get_be64(vm->memory + REAL(address));
	v->regs.pc += 4;
	return going;
}

static int special(struct fake_vcpu *v, uint32_t insn)
{
	struct ppc_kvm_regs *regs = &v->regs;
	unsigned rt = insn >> 21 & 31;

	if ((insn & 0xfc1fffff) == INSN_MTMSRD(0)) {
		regs->msr = (regs->msr & ~(MSR_EE | MSR_RI)) | (regs->gpr[rt] & (MSR_EE | MSR_RI));
	} else if ((insn & 0xfc1cffff) == INSN_MTSPRG(0, 0)) {
		regs->sprg[insn >> 16 & 3] = regs->gpr[rt];
	} else if ((insn & 0xfc1cffff) == INSN_MFSPRG(0, 0)) {
		regs->gpr[rt] = regs->sprg[insn >> 16 & 3];
	} else if ((insn & 0xfc1effff) == INSN_MTSRR(0, 0)) {
		*(insn & 0x10000 ? &regs->srr1 : &regs->srr0) = regs->gpr[rt];
	} else if ((insn & 0xfc1effff) == INSN_MFSRR(0, 0)) {
		regs->gpr[rt] = insn & 0x10000 ? regs->srr1 : regs->srr0;
	} else if (insn == 0x786307c6) { /* sldi r3,r3,32 */
		regs->gpr[3] <<= 32;
	} else if (insn == INSN_RFID) {
		regs->pc = (regs->srr0 & ~3ull) - 4;
		regs->msr = regs->srr1;
	} else {
		return misuse("the fake does not know the instruction 0x%08x at 0x%llx", insn,
			      (unsigned long long)regs->pc);
	}
	regs->pc += 4;
	return going;
}

static int execute(struct fake_vcpu *v, uint32_t insn, const sigset_t *mask)
{
	struct ppc_kvm_regs *regs = &v->regs;
	unsigned rt = insn >> 21 & 31, ra = insn >> 16 & 31;
	uint64_t base = ra ? regs->gpr[ra] : 0;

	switch (insn >> 26) {
	case 14:
		regs->gpr[rt] = base + (uint64_t)(int16_t)insn;
		break;
	case 15:
		regs->gpr[rt] = base + ((uint64_t)(int16_t)insn << 16);
		break;
	case 24:
		regs->gpr[ra] = regs->gpr[rt] | (insn & 0xffff);
		break;
	case 17:
		return insn == INSN_SC_1 ? hypervisor_call(v) : special(v, insn);
	case 18:
		if (insn == INSN_LOOP)
			return block(v, mask);
		regs->pc += (uint64_t)(int64_t)((int32_t)(insn << 6) >> 6) - 4;
		break;
	case 36:
	case 58:
	case 62:
		return load_store(v, insn);
	default:
		return special(v, insn);
	}
	regs->pc += 4;
	return going;
}

static int step(struct fake_vcpu *v, const sigset_t *mask)
{
	uint32_t insn;

	if (v->struck) {
		v->struck = false;
		return happen(v, &v->strike);
	}
	if (v->external && v->regs.msr & MSR_EE) {
		interrupt(v, VECTOR_EXTERNAL, 0);
		return going;
	}
	if (!get_insn(v, &insn))
		return misuse("the guest runs at 0x%llx, where it has no memory",
			      (unsigned long long)v->regs.pc);
	if (insn && insn < FAKE_EVENTS) {
		struct fake_event *event = &fake.events[insn], now = *event;

		if (!event->times || --event->times == 0)
			event->kind = FAKE_NOP;
		return happen(v, &now);
	}
	return execute(v, insn, mask);
}

void fake_strike(unsigned vcpu, const struct fake_event *event)
{
	const uint64_t one = 1;
	struct fake_vcpu *v;

	fake_lock();
	v = fake_vcpu(vcpu);
	v->strike = *event;
	v->struck = true;
	(void)!write(v->wake_fd, &one, sizeof(one));
	fake_unlock();
}

bool fake_wait_running(unsigned vcpu)
{
	for (unsigned i = 0; i < 50000; i++) {
		const struct fake_vcpu *v;
		bool running;

		fake_lock();
		v = fake_vcpu(vcpu);
		running = v->in_run && v->runs;
		fake_unlock();
		if (running)
			return true;
		usleep(100);
	}
	return false;
}

/* ---- a vCPU ---- */

/* KVM first completes its last exit. True: it exits again for the same reason. */
static bool finish(struct fake_vcpu *v)
{
	if (v->hcall_open) {
		v->hcall_open = false;
		v->regs.gpr[3] = v->run->papr_hcall.ret;
		for (unsigned i = 0; i < 9; i++)
			v->regs.gpr[4 + i] = v->run->papr_hcall.args[i];
	}
	if (!v->mmio_left)
		return false;
	if (!v->mmio.write)
		memcpy(&v->regs.gpr[v->mmio.rt], v->run->mmio.data, 8);
	if (--v->mmio_left == 0)
		return false;
	v->run->mmio.phys_addr += v->mmio.length;
	return true;
}

/*
 * Signals are only noticed inside, as in the kernel: one that arrives before is lost, which is why
 * there is immediate_exit.
 */
static int run(struct fake_vcpu *v)
{
	sigset_t all, mask;
	int rc = going;

	v->in_run = true;
	v->runner = pthread_self();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	if (finish(v))
		rc = exit_with(v, KVM_EXIT_MMIO);
	else if (__atomic_load_n(&v->run->immediate_exit, __ATOMIC_RELAXED))
		rc = -EINTR;
	else
		v->runs++;
	while (rc == going)
		rc = step(v, &mask);
	if (rc == -EINTR)
		v->run->exit_reason = KVM_EXIT_INTR;
	v->in_run = false;
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return rc;
}

static uint64_t *one_register(struct fake_vcpu *v, uint64_t reg)
{
	switch (reg) {
	case PPC_KVM_REG_DAR:
		return &v->dar;
	case PPC_KVM_REG_TB_OFFSET:
		return &v->tb_offset;
	case PPC_KVM_REG_LPCR:
		return &v->lpcr;
	case PPC_KVM_REG_DEC_EXPIRY:
		return &v->dec_expiry;
	default:
		return NULL;
	}
}

static int access_register(struct fake_vcpu *v, const struct kvm_one_reg *one, bool set)
{
	void *theirs = (void *)(uintptr_t)one->addr, *ours = one_register(v, one->id);
	size_t size = 8;

	if (one->id == PPC_KVM_REG_DSISR)
		ours = &v->dsisr;
	if (one->id == PPC_KVM_REG_ARCH_COMPAT)
		ours = &v->arch_compat;
	if (one->id == PPC_KVM_REG_DSISR || one->id == PPC_KVM_REG_ARCH_COMPAT)
		size = 4;
	if (!ours)
		return misuse("register 0x%llx", (unsigned long long)one->id);
	memcpy(set ? ours : theirs, set ? theirs : ours, size);
	return 0;
}

static int enable_for_vcpu(struct fake_vcpu *v, const struct kvm_enable_cap *cap)
{
	if (cap->cap >= FAKE_CAPABILITIES || !fake.capabilities[cap->cap])
		return -EINVAL;
	if (cap->cap == KVM_CAP_PPC_PAPR)
		v->papr = true;
	else if (cap->cap == KVM_CAP_PPC_FWNMI)
		v->vm->fwnmi = true;
	else
		return misuse("capability %u enabled for a vCPU", cap->cap);
	return 0;
}

static int signal_interrupt(struct fake_vcpu *v, const struct kvm_interrupt *irq)
{
	const uint64_t one = 1;

	if (irq->irq != PPC_KVM_INTERRUPT_UNSET && irq->irq != PPC_KVM_INTERRUPT_SET_LEVEL)
		return misuse("interrupt 0x%x", irq->irq);
	v->interrupts++;
	v->external = irq->irq == PPC_KVM_INTERRUPT_SET_LEVEL;
	if (v->external)
		(void)!write(v->wake_fd, &one, sizeof(one));
	return 0;
}

static int vcpu_answer(struct fake_vcpu *v, unsigned long request, void *argument)
{
	/*
	 * Only interrupts are possible at any time; any other call would wait until KVM_RUN ends.
	 */
	if (v->in_run && request != PPC_KVM_INTERRUPT)
		return misuse("request 0x%lx for a vCPU that runs", request);
	switch (request) {
	case PPC_KVM_RUN:
		return run(v);
	case PPC_KVM_GET_REGS:
		memcpy(argument, &v->regs, sizeof(v->regs));
		return 0;
	case PPC_KVM_SET_REGS:
		memcpy(&v->regs, argument, sizeof(v->regs));
		return 0;
	case PPC_KVM_GET_SREGS:
		((struct ppc_kvm_sregs *)argument)->pvr = FAKE_PVR;
		return 0;
	case PPC_KVM_GET_ONE_REG:
		return access_register(v, argument, false);
	case PPC_KVM_SET_ONE_REG:
		return access_register(v, argument, true);
	case PPC_KVM_ENABLE_CAP:
		return enable_for_vcpu(v, argument);
	case PPC_KVM_INTERRUPT:
		return signal_interrupt(v, argument);
	default:
		return misuse("request 0x%lx of a vCPU", request);
	}
}

/* ---- a virtual machine ---- */

static int create_vcpu(struct fake_vm *vm, uint64_t index)
{
	struct fake_vcpu *v;

	if (index >= FAKE_VCPUS || vm->vcpus[index].vm)
		return misuse("vCPU %llu created twice, or too many", (unsigned long long)index);
	v = &vm->vcpus[index];
	*v = (struct fake_vcpu){ .vm = vm, .index = (unsigned)index };
	/* No caller may rely on the initial contents. */
	memset(&v->regs, 0x5a, sizeof(v->regs));
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->nr_vcpus++;
	return new_fd(FD_VCPU, vm, v);
}

static int set_memory(struct fake_vm *vm, const struct kvm_userspace_memory_region *region)
{
	if (region->slot || region->guest_phys_addr || vm->memory || region->userspace_addr % 4096)
		return misuse("a memory region that is not the first one, at 0");
	vm->memory = (uint8_t *)(uintptr_t)region->userspace_addr;
	vm->memory_size = region->memory_size;
	return 0;
}

static int configure_mmu(struct fake_vm *vm, const struct ppc_kvm_mmuv3_cfg *config)
{
	bool radix = config->flags & PPC_KVM_MMUV3_RADIX;

	if (config->flags & ~(uint64_t)(PPC_KVM_MMUV3_RADIX | PPC_KVM_MMUV3_GTSE))
		return -EINVAL;
	if (!fake.capabilities[radix ? KVM_CAP_PPC_MMU_RADIX : KVM_CAP_PPC_MMU_HASH_V3])
		return -EINVAL;
	if (radix != !!(config->process_table & PATB_GR) || (config->process_table & 31) > 24)
		return -EINVAL;
	if (config->flags & PPC_KVM_MMUV3_GTSE && !radix)
		return -EINVAL;
	vm->mmu = *config;
	vm->nr_configurations++;
	return 0;
}

static int allocate_htab(struct fake_vm *vm, const uint32_t *order)
{
	if (!fake.capabilities[KVM_CAP_PPC_ALLOC_HTAB])
		return -ENOTTY;
	if (*order < 18 || *order > 46)
		return -EINVAL;
	vm->htab_order = *order;
	vm->nr_htabs++;
	return 0;
}

static int extension(uint64_t capability)
{
	return capability < FAKE_CAPABILITIES ? fake.capabilities[capability] : 0;
}

static int enable_for_vm(struct fake_vm *vm, const struct kvm_enable_cap *cap)
{
	if (cap->cap != KVM_CAP_PPC_ENABLE_HCALL || cap->args[0] != 0x448 || cap->args[1] != 1)
		return misuse("capability %u enabled for a virtual machine", cap->cap);
	vm->rpt_invalidate = true;
	return 0;
}

static int vm_answer(struct fake_vm *vm, unsigned long request, void *argument)
{
	switch (request) {
	case PPC_KVM_CHECK_EXTENSION:
		return extension((uintptr_t)argument);
	case PPC_KVM_CREATE_VCPU:
		return create_vcpu(vm, (uintptr_t)argument);
	case PPC_KVM_SET_USER_MEMORY_REGION:
		return set_memory(vm, argument);
	case PPC_KVM_CONFIGURE_V3_MMU:
		return configure_mmu(vm, argument);
	case PPC_KVM_ALLOCATE_HTAB:
		return allocate_htab(vm, argument);
	case PPC_KVM_ENABLE_CAP:
		return enable_for_vm(vm, argument);
	default:
		return misuse("request 0x%lx of a virtual machine", request);
	}
}

/* ---- /dev/kvm ---- */

static int create_vm(uint64_t type)
{
	struct fake_vm *vm = &fake.vms[fake.nr_vms];

	if (type != KVM_VM_PPC_HV)
		return misuse("a virtual machine of type %llu", (unsigned long long)type);
	if (fake.nr_vms == FAKE_VMS)
		return misuse("more virtual machines than the fake has");
	*vm = (struct fake_vm){ .used = true };
	fake.nr_vms++;
	return new_fd(FD_VM, vm, NULL);
}

static int kvm_answer(unsigned long request, void *argument)
{
	switch (request) {
	case PPC_KVM_GET_API_VERSION:
		return fake.api_version;
	case PPC_KVM_CREATE_VM:
		return create_vm((uintptr_t)argument);
	case PPC_KVM_CHECK_EXTENSION:
		return extension((uintptr_t)argument);
	case PPC_KVM_GET_VCPU_MMAP_SIZE:
		return fake.mmap_size;
	default:
		return misuse("request 0x%lx of /dev/kvm", request);
	}
}

/* ---- the calls ---- */

static uint64_t interesting(unsigned long request, const void *argument)
{
	switch (request) {
	case PPC_KVM_GET_ONE_REG:
	case PPC_KVM_SET_ONE_REG:
		return ((const struct kvm_one_reg *)argument)->id;
	case PPC_KVM_ENABLE_CAP:
		return ((const struct kvm_enable_cap *)argument)->cap;
	case PPC_KVM_CHECK_EXTENSION:
	case PPC_KVM_CREATE_VCPU:
		return (uintptr_t)argument;
	default:
		return 0;
	}
}

static struct fake_call *record(enum fake_call_kind kind, unsigned long request, uint64_t argument)
{
	static struct fake_call spare;
	struct fake_call *call = fake.nr_calls < FAKE_CALLS ? &fake.calls[fake.nr_calls++] : &spare;

	*call = (struct fake_call){
		.kind = kind, .request = request, .argument = argument, .vm = -1, .vcpu = -1
	};
	return call;
}

/* Is this the call that must fail? */
static bool fails(struct fake_call *call)
{
	if (++fake.nr_fallible != fake.fail_at)
		return false;
	call->result = -fake.fail_error;
	fake.failed = *call;
	return true;
}

static bool ruled(struct fake_call *call, struct fake_vcpu *v)
{
	for (unsigned i = 0; i < fake.nr_rules; i++) {
		struct fake_rule *rule = &fake.rules[i];

		if (rule->request != call->request ||
		    (rule->argument != FAKE_ANY && rule->argument != call->argument))
			continue;
		if (rule->seen++ < rule->skip ||
		    (rule->times && rule->seen > rule->skip + rule->times))
			continue;
		call->result = rule->result;
		if (call->request == PPC_KVM_RUN && v)
			v->run->exit_reason = rule->exit_reason;
		return true;
	}
	return false;
}

static int fake_open(void)
{
	struct fake_call *call;
	int rc;

	fake_lock();
	call = record(FAKE_CALL_OPEN, 0, 0);
	if (!fails(call))
		call->result = fake.open_error ? -fake.open_error : new_fd(FD_KVM, NULL, NULL);
	rc = call->result;
	fake_unlock();
	return rc;
}

static int fake_ioctl(int fd, unsigned long request, unsigned long argument)
{
	void *pointer = (void *)(uintptr_t)argument;
	struct fake_call *call;
	int i, rc;

	fake_lock();
	i = fd_index(fd);
	call = record(FAKE_CALL_IOCTL, request, interesting(request, pointer));
	if (i >= 0 && fds[i].vm)
		call->vm = (int)(fds[i].vm - fake.vms);
	if (i >= 0 && fds[i].vcpu)
		call->vcpu = (int)fds[i].vcpu->index;
	if (fails(call) || ruled(call, i < 0 ? NULL : fds[i].vcpu))
		rc = call->result;
	else if (i < 0)
		rc = -EBADF;
	else if (fds[i].kind == FD_VCPU)
		rc = vcpu_answer(fds[i].vcpu, request, pointer);
	else if (fds[i].kind == FD_VM)
		rc = vm_answer(fds[i].vm, request, pointer);
	else
		rc = kvm_answer(request, pointer);
	call->result = rc;
	fake_unlock();
	return rc;
}

static void *fake_map(int fd, size_t size)
{
	struct fake_call *call;
	void *address = NULL;
	int i;

	fake_lock();
	i = fd_index(fd);
	call = record(FAKE_CALL_MAP, 0, 0);
	if (fake.map_error)
		call->result = -fake.map_error;
	if (!fails(call) && !call->result) {
		if (i < 0 || fds[i].kind != FD_VCPU || size != (size_t)fake.mmap_size)
			call->result = misuse("a mapping that is no vCPU's");
		else
			address = calloc(1, size);
	}
	errno = -call->result;
	if (address) {
		fds[i].vcpu->run = address;
		fake.mappings++;
	}
	fake_unlock();
	return address;
}

static void fake_unmap(void *address, size_t size)
{
	fake_lock();
	record(FAKE_CALL_UNMAP, 0, 0);
	if (size != (size_t)fake.mmap_size)
		misuse("an unmapping of %zu bytes", size);
	free(address);
	fake.mappings--;
	fake_unlock();
}

static void fake_close(int fd)
{
	int i;

	fake_lock();
	i = fd_index(fd);
	record(FAKE_CALL_CLOSE, 0, 0);
	if (i < 0) {
		misuse("descriptor %d closed, which is not open", fd);
	} else {
		if (fds[i].kind == FD_VCPU) {
			if (fds[i].vcpu->in_run)
				misuse("a vCPU closed while it runs");
			close(fds[i].vcpu->wake_fd);
		}
		fds[i].kind = FD_CLOSED;
		fake.open_fds--;
	}
	fake_unlock();
}

/* Differs from the clock of the host that runs the tests, so an engine that confuses them fails. */
static uint64_t fake_timebase(void)
{
	return clock_host_ticks() + 0x123456789abcull;
}

static uint32_t fake_timebase_hz(void)
{
	return fake.timebase_hz;
}

const struct kvm_sys fake_sys = {
	.open_kvm = fake_open,
	.ioctl = fake_ioctl,
	.map = fake_map,
	.unmap = fake_unmap,
	.close = fake_close,
	.timebase = fake_timebase,
	.timebase_hz = fake_timebase_hz,
};

/* ---- the C library's part: the linker turns the engine's calls to these (--wrap) ---- */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
int __real_pthread_join(pthread_t thread, void **result);
void *__real_calloc(size_t n, size_t size);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
void *__wrap_calloc(size_t n, size_t size);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg)
{
	int rc;

	if (fake.fail_threads) {
		fake.fail_threads--;
		return EAGAIN;
	}
	rc = __real_pthread_create(thread, attr, start, arg);
	if (!rc)
		fake.threads++;
	return rc;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	fake.threads--;
	return __real_pthread_join(thread, result);
}

void *__wrap_calloc(size_t n, size_t size)
{
	if (fake.fail_callocs) {
		fake.fail_callocs--;
		return NULL;
	}
	return __real_calloc(n, size);
}

/* ---- for tests ---- */

void fake_start(void)
{
	static const unsigned can[] = {
		KVM_CAP_PPC_PAPR,	    KVM_CAP_ONE_REG,	   KVM_CAP_IMMEDIATE_EXIT,
		KVM_CAP_PPC_IRQ_LEVEL,	    KVM_CAP_PPC_MMU_RADIX, KVM_CAP_PPC_MMU_HASH_V3,
		KVM_CAP_PPC_ALLOC_HTAB,	    KVM_CAP_PPC_FWNMI,	   KVM_CAP_PPC_AIL_MODE_3,
		KVM_CAP_PPC_RPT_INVALIDATE,
	};

	memset(&fake, 0, sizeof(fake));
	memset(fds, 0, sizeof(fds));
	nr_fds = 0;
	fake.api_version = KVM_API_VERSION;
	fake.mmap_size = (int)sizeof(struct kvm_run);
	fake.timebase_hz = TIMEBASE_HZ;
	fake.fail_error = EIO;
	for (unsigned i = 0; i < sizeof(can) / sizeof(can[0]); i++)
		fake.capabilities[can[i]] = 1;
}

struct fake_rule *fake_rule(unsigned long request, uint64_t argument, int result)
{
	struct fake_rule *rule = &fake.rules[fake.nr_rules++ % FAKE_RULES];

	*rule = (struct fake_rule){ .request = request, .argument = argument, .result = result };
	return rule;
}

struct fake_vm *fake_vm(void)
{
	return &fake.vms[fake.nr_vms ? fake.nr_vms - 1 : 0];
}

struct fake_vcpu *fake_vcpu(unsigned index)
{
	return &fake_vm()->vcpus[index];
}

unsigned fake_first(unsigned long request, uint64_t argument)
{
	unsigned i;

	fake_lock();
	for (i = 0; i < fake.nr_calls; i++)
		if (fake.calls[i].kind == FAKE_CALL_IOCTL && fake.calls[i].request == request &&
		    (argument == FAKE_ANY || fake.calls[i].argument == argument))
			break;
	if (i == fake.nr_calls)
		i = UINT32_MAX;
	fake_unlock();
	return i;
}

unsigned fake_count(unsigned long request, uint64_t argument)
{
	unsigned count = 0;

	fake_lock();
	for (unsigned i = 0; i < fake.nr_calls; i++)
		count += fake.calls[i].kind == FAKE_CALL_IOCTL &&
			 fake.calls[i].request == request &&
			 (argument == FAKE_ANY || fake.calls[i].argument == argument);
	fake_unlock();
	return count;
}

const char *fake_leaks(void)
{
	static char text[200];

	if (fake.misuse[0])
		return fake.misuse;
	if (!fake.open_fds && !fake.mappings && !fake.threads)
		return NULL;
	snprintf(text, sizeof(text), "%u descriptors, %u mappings, %d threads are left",
		 fake.open_fds, fake.mappings, fake.threads);
	return text;
}
