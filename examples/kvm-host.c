/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host on KVM: one thread per vCPU; machine checks that KVM reports or the host injects; system
 * resets that the guest requests. The guest is a few instructions that count events and check that
 * no register is lost. It follows the rules of fwnmi.h, "KVM".
 *
 * powerpc64le-linux-gnu-gcc kvm-host.c $(pkg-config --cflags --libs fwnmi) -pthread
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <fwnmi/fwnmi.h>
#include <fwnmi/linux_kvm.h>

enum {
	NR_CPUS = 4,
	ROUNDS = 25, /* machine checks of each vCPU */
	MEMORY_SIZE = 32 << 20,
	AREA = 0x8000, /* the guest's data, AREA_SIZE bytes for each vCPU */
	AREA_SIZE = 0x100,
	RTAS_BASE = 0x1000000,
	RTAS_SIZE = 0x10000,
	RTAS_CODE_SIZE = 0x40,
};

#define MSR_SF	 0x8000000000000000ull
#define MSR_ME	 0x1000ull
#define MSR_RI	 0x2ull
#define MSR_LE	 0x1ull
#define LPCR_ILE 0x2000000ull

#define H_SUCCESS	   0
#define H_FUNCTION	   (-2l)
#define H_PARAMETER	   (-4l)
#define H_SIGNAL_SYS_RESET 0x380
#define H_RTAS		   0xf000 /* private: what the code at linux,rtas-entry calls */
#define H_TICK		   0xf001 /* private to this guest: returns twice its argument */
#define H_LOST		   0xf002 /* a register has the wrong value, or there was an interrupt */

enum rtas_token {
	NMI_REGISTER = 1, /* the values of the properties of /rtas with the calls' names */
	NMI_INTERLOCK = 2,
};

struct vcpu {
	struct vm *vm;
	unsigned number;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	/* Under the VM's lock. */
	pthread_cond_t wake;
	bool kicked;
	bool try_again; /* the kick could not be answered yet */
	uint64_t machine_checks, system_resets; /* delivered */
};

struct vm {
	uint8_t *memory;
	int fd;
	struct vcpu vcpus[NR_CPUS];
	/* For FWNMI alone: ibm,nmi-interlock must not wait for other calls (R18). */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* registration, interlocks */
	unsigned machine_checks, interlocks; /* there is one for each in the end */
	bool over;
	struct fwnmi *fwnmi;
};

/* ---- the guest, loaded at 0 ---- */

/*
 * R13 points to the vCPU's data, R12 to the first vCPU's: at 0 and 8 counts of machine checks and
 * system resets, at 16 and 32 the arguments of two RTAS calls, from 64 on registers. The routines
 * run with MSR[RI]=0 from end to end, because a second event would overwrite SRR0, SRR1 and what
 * they save.
 */
__asm__(".pushsection .rodata\n"
	".balign 4\n"
	".macro call number\n"
	"	li	3, 0\n"
	"	ori	3, 3, \\number\n"
	"	sc	1\n"
	".endm\n"
	".macro enter save\n"
	"	std	4, \\save(13)\n"
	"	ldbrx	4, 0, 3\n" /* the original R3 is big-endian */
	"	std	4, \\save + 8(13)\n"
	"	mfcr	4\n"
	"	std	4, \\save + 16(13)\n"
	"	mfsrr0	4\n" /* a hypervisor call changes them */
	"	std	4, \\save + 24(13)\n"
	"	mfsrr1	4\n"
	"	std	4, \\save + 32(13)\n"
	".endm\n"
	".macro count at\n"
	"	ld	4, \\at(13)\n"
	"	addi	4, 4, 1\n"
	"	std	4, \\at(13)\n"
	".endm\n"
	".macro leave save\n"
	"	ld	4, \\save + 32(13)\n"
	"	mtsrr1	4\n"
	"	ld	4, \\save + 24(13)\n"
	"	mtsrr0	4\n"
	"	ld	4, \\save + 16(13)\n"
	"	mtcrf	255, 4\n"
	"	ld	3, \\save + 8(13)\n"
	"	ld	4, \\save(13)\n"
	"	rfid\n"
	".endm\n"
	"guest:	.rept	0x1000 / 4\n" /* all interrupt vectors */
	"	b	lost\n"
	"	.endr\n"
	"guest_start:\n" /* R3 is the vCPU's number */
	"	li	14, 0\n"
	"	cmpdi	3, 0\n"
	"	bne	wait\n"
	"	addi	4, 13, 32\n"
	"	call	0xf000\n"
	"	lwz	3, 52(12)\n"
	"	cmpdi	3, 0\n"
	"	bne	lost\n"
	"wait:	lwz	3, 52(12)\n" /* until the first vCPU has registered */
	"	cmpdi	3, 0\n"
	"	bne	wait\n"
	"work:	addi	14, 14, 1\n"
	"	mr	4, 14\n"
	"	call	0xf001\n"
	"	add	15, 14, 14\n"
	"	cmpd	3, 15\n"
	"	bne	lost\n"
	"	andi.	15, 14, 0x1f\n"
	"	bne	work\n"
	"	li	4, -2\n" /* to all others */
	"	call	0x380\n"
	"	cmpdi	3, 0\n"
	"	beq	work\n"
	"lost:	call	0xf002\n"
	"	b	lost\n"
	"guest_machine_check:\n"
	"	enter	64\n"
	"	count	0\n"
	"	addi	4, 13, 16\n"
	"	call	0xf000\n"
	"	leave	64\n"
	"guest_system_reset:\n"
	"	enter	128\n"
	"	count	8\n"
	"	leave	128\n"
	"guest_end:\n"
	".popsection\n");

extern const uint8_t guest[], guest_start[], guest_machine_check[], guest_system_reset[],
	guest_end[];

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void put32(struct vm *vm, uint64_t address, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		vm->memory[address + i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const struct vm *vm, uint64_t address)
{
	const uint8_t *p = vm->memory + address;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_call(struct vm *vm, uint64_t address, uint32_t token, uint32_t nr_args)
{
	put32(vm, address, token);
	put32(vm, address + 4, nr_args);
	put32(vm, address + 8, 1);
	put32(vm, address + 12 + 4 * nr_args, ~0u); /* the status */
}

static void load_guest(struct vm *vm)
{
	memcpy(vm->memory, guest, (size_t)(guest_end - guest));
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		put_call(vm, AREA + AREA_SIZE * cpu + 16, NMI_INTERLOCK, 0);
	put_call(vm, AREA + 32, NMI_REGISTER, 2);
	put32(vm, AREA + 44, (uint32_t)(guest_system_reset - guest));
	put32(vm, AREA + 48, (uint32_t)(guest_machine_check - guest));
}

static void set_immediate_exit(struct vcpu *v, bool exit)
{
	__atomic_store_n(&v->run->immediate_exit, exit, __ATOMIC_RELAXED);
}

/* ---- callbacks for libfwnmi ---- */

static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	if (len > MEMORY_SIZE || real_address > MEMORY_SIZE - len)
		return -1;
	memcpy(buf, ((struct vm *)opaque)->memory + real_address, len);
	return 0;
}

/* The lock is held, as in every call of the library. */
static void kick(void *opaque, unsigned cpu)
{
	struct vcpu *v = &((struct vm *)opaque)->vcpus[cpu];

	v->kicked = true;
	set_immediate_exit(v, true); /* if the thread is on its way into KVM_RUN */
	pthread_kill(v->thread, SIGUSR1); /* if it is in the guest */
	pthread_cond_signal(&v->wake); /* if it waits for the buffer */
}

static const struct fwnmi_ops ops = { .read_memory = read_memory, .kick = kick };

/* ---- events: the lock is held ---- */

static void carry_out(struct vcpu *v, const struct fwnmi_outcome *outcome)
{
	switch (outcome->result) {
	case FWNMI_DELIVERED:
		memcpy(v->vm->memory + outcome->write.address, outcome->write.bytes,
		       outcome->write.length);
		if (fwnmi_kvm_set_regs(v->fd, outcome) < 0)
			die("the vCPU's registers");
		v->machine_checks += outcome->vector == 0x200;
		v->system_resets += outcome->vector == 0x100;
		break;
	case FWNMI_ENDED: /* a real host reboots */
		fprintf(stderr, "the partition ends: %s\n",
			fwnmi_end_reason_text(outcome->end_reason));
		exit(EXIT_FAILURE);
	default: /* fwnmi_may_run() decides whether the vCPU runs */
		break;
	}
}

static void answer_kick(struct vcpu *v)
{
	struct fwnmi *f = v->vm->fwnmi;
	struct fwnmi_outcome outcome;
	struct fwnmi_regs regs;

	v->kicked = false;
	set_immediate_exit(v, false);
	if (fwnmi_kvm_get_regs(v->fd, v->run, &regs) < 0)
		die("the vCPU's registers");
	/*
	 * An injected event waits while the guest could not return from it, here until the next
	 * exit. A guest that makes no calls needs a timer.
	 */
	v->try_again = fwnmi_may_run(f, v->number) && !fwnmi_recoverable(&regs);
	if (v->try_again)
		return;
	if (fwnmi_resume(f, v->number, &regs, &outcome))
		die("fwnmi_resume");
	carry_out(v, &outcome);
}

/* KVM_EXIT_NMI: the processor had a machine check in the guest. */
static void machine_check_exit(struct vcpu *v)
{
	struct vm *vm = v->vm;
	struct fwnmi_machine_check mc;
	struct fwnmi_outcome outcome;
	struct fwnmi_regs regs;

	if (fwnmi_kvm_machine_check(v->fd, v->run, &regs, &mc) < 0)
		die("the machine check's registers");
	/* An injected one that is not delivered yet gives way to the real one. */
	if (fwnmi_withdraw(vm->fwnmi, v->number) == FWNMI_NOTHING)
		vm->machine_checks++;
	if (fwnmi_machine_check(vm->fwnmi, v->number, &regs, &mc, &outcome))
		die("fwnmi_machine_check");
	carry_out(v, &outcome);
}

/* ---- calls of the guest ---- */

static int nmi_register(struct vcpu *v, uint32_t system_reset, uint32_t machine_check)
{
	int result;

	/*
	 * Not before the guest registers: until then KVM delivers them at 0x200 itself. Once is
	 * enough for the VM. Another vCPU's descriptor would make us wait until that leaves KVM.
	 */
	if (fwnmi_kvm_want_machine_checks(v->fd) < 0)
		return -1;
	result = fwnmi_register(v->vm->fwnmi, v->number, system_reset, machine_check);
	pthread_cond_signal(&v->vm->changed);
	return fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER, result);
}

static int nmi_interlock(struct vcpu *v)
{
	int result = fwnmi_interlock(v->vm->fwnmi, v->number);

	v->vm->interlocks += result == FWNMI_RELEASED;
	pthread_cond_signal(&v->vm->changed);
	return fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK, result);
}

static long rtas(struct vcpu *v, uint64_t at)
{
	struct vm *vm = v->vm;
	uint32_t token, nr_args, nr_rets;
	int status = -3;

	if (at > MEMORY_SIZE - 64)
		return H_PARAMETER;
	token = get32(vm, at);
	nr_args = get32(vm, at + 4);
	nr_rets = get32(vm, at + 8);
	if (nr_args > 2 || nr_rets != 1)
		return H_PARAMETER;
	pthread_mutex_lock(&vm->lock);
	if (token == NMI_REGISTER && nr_args == 2)
		status = nmi_register(v, get32(vm, at + 12), get32(vm, at + 16));
	else if (token == NMI_INTERLOCK && nr_args == 0)
		status = nmi_interlock(v);
	pthread_mutex_unlock(&vm->lock);
	put32(vm, at + 12 + 4 * nr_args, (uint32_t)status);
	return H_SUCCESS;
}

static long signal_system_reset(struct vcpu *v, int64_t target)
{
	int nr_targets;

	pthread_mutex_lock(&v->vm->lock);
	nr_targets = fwnmi_signal_system_reset(v->vm->fwnmi, v->number, target);
	pthread_mutex_unlock(&v->vm->lock);
	return nr_targets < 0 ? H_PARAMETER : H_SUCCESS;
}

static long give_up(struct vcpu *v)
{
	struct kvm_regs regs;

	ioctl(v->fd, KVM_GET_REGS, &regs);
	fprintf(stderr, "vCPU %u is lost: r13 0x%lx r14 0x%lx r15 0x%lx srr0 0x%lx\n", v->number,
		regs.gpr[13], regs.gpr[14], regs.gpr[15], regs.srr0);
	exit(EXIT_FAILURE);
}

static long hypervisor_call(struct vcpu *v)
{
	const uint64_t argument = v->run->papr_hcall.args[0];

	switch (v->run->papr_hcall.nr) {
	case H_RTAS:
		return rtas(v, argument);
	case H_SIGNAL_SYS_RESET:
		return signal_system_reset(v, (int64_t)argument);
	case H_TICK:
		return (long)(2 * argument);
	case H_LOST:
		return give_up(v);
	}
	return H_FUNCTION;
}

/* ---- vCPUs ---- */

/* Returns false at the end. The guest makes the call H_TICK outside of its routines only. */
static bool may_enter(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool over;

	pthread_mutex_lock(&vm->lock);
	if (v->run->exit_reason == KVM_EXIT_NMI) {
		machine_check_exit(v);
		v->run->exit_reason = KVM_EXIT_UNKNOWN;
	}
	over = vm->over && v->run->exit_reason == KVM_EXIT_PAPR_HCALL &&
	       v->run->papr_hcall.nr == H_TICK;
	v->kicked |= v->try_again;
	while (!over) {
		if (v->kicked)
			answer_kick(v);
		else if (!fwnmi_may_run(vm->fwnmi, v->number))
			pthread_cond_wait(&v->wake, &vm->lock);
		else
			break;
	}
	pthread_mutex_unlock(&vm->lock);
	return !over;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;

	while (may_enter(v)) {
		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN)
				die("KVM_RUN");
			v->run->exit_reason = KVM_EXIT_INTR;
		}
		switch (v->run->exit_reason) {
		case KVM_EXIT_PAPR_HCALL:
			v->run->papr_hcall.ret = (uint64_t)hypervisor_call(v);
			break;
		case KVM_EXIT_NMI: /* may_enter() reports it */
		case KVM_EXIT_INTR:
			break;
		default:
			fprintf(stderr, "vCPU %u: KVM exit %u\n", v->number, v->run->exit_reason);
			exit(EXIT_FAILURE);
		}
	}
	return NULL;
}

static void create_vcpu(struct vm *vm, unsigned number, size_t run_size)
{
	struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
	struct vcpu *v = &vm->vcpus[number];
	struct kvm_regs regs = { .pc = (uint64_t)(guest_start - guest),
				 .msr = MSR_SF | MSR_ME | MSR_RI | MSR_LE };
	uint64_t lpcr;

	v->vm = vm;
	v->number = number;
	pthread_cond_init(&v->wake, NULL);
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)number);
	if (v->fd < 0)
		die("KVM_CREATE_VCPU");
	v->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED || ioctl(v->fd, KVM_ENABLE_CAP, &papr) < 0)
		die("a vCPU");
	/* As if the guest had called H_SET_MODE: its interrupts are little-endian. */
	fwnmi_kvm_one_reg(v->fd, KVM_GET_ONE_REG, KVM_REG_PPC_LPCR_64, &lpcr);
	lpcr |= LPCR_ILE;
	fwnmi_kvm_one_reg(v->fd, KVM_SET_ONE_REG, KVM_REG_PPC_LPCR_64, &lpcr);
	regs.gpr[3] = number;
	regs.gpr[12] = AREA;
	regs.gpr[13] = AREA + AREA_SIZE * number;
	if (ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		die("KVM_SET_REGS");
}

static void create_vm(struct vm *vm)
{
	const struct fwnmi_config config = { .nr_cpus = NR_CPUS,
					     .rtas_base = RTAS_BASE,
					     .rtas_size = RTAS_SIZE,
					     .save_area_offset = RTAS_CODE_SIZE,
					     .interrupts_little_endian = true };
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), run_size;

	/* kvm-hv, or kvm-pr if that is all there is. */
	vm->fd = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0ul);
	if (vm->fd < 0)
		die("/dev/kvm");
	/* kvm-pr keeps machine checks to itself: offer its guests no ibm,nmi-register. */
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_FWNMI) <= 0)
		die("no KVM_CAP_PPC_FWNMI");
	vm->memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	region.userspace_addr = (uintptr_t)vm->memory;
	if (vm->memory == MAP_FAILED || ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		die("guest memory");
	load_guest(vm);
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	vm->fwnmi = malloc(fwnmi_sizeof(&config));
	if (!vm->fwnmi || fwnmi_init(vm->fwnmi, fwnmi_sizeof(&config), &ops, vm, &config))
		die("fwnmi_init");
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		create_vcpu(vm, cpu, (size_t)run_size);
}

static void kicked(int signal_number)
{
	(void)signal_number; /* it is enough that KVM_RUN returns */
}

static void inject(struct vm *vm)
{
	static const struct fwnmi_machine_check mc = {
		.error_type = FWNMI_MC_SLB,
		.error_subtype = FWNMI_SLB_MULTIHIT,
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
	};

	while (!fwnmi_registered(vm->fwnmi, NULL, NULL))
		pthread_cond_wait(&vm->changed, &vm->lock);
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* All at once, so that all but one wait for an interlock. */
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
			if (fwnmi_signal_machine_check(vm->fwnmi, cpu, &mc) == 1)
				vm->machine_checks++;
		while (vm->interlocks < vm->machine_checks)
			pthread_cond_wait(&vm->changed, &vm->lock);
	}
	vm->over = true;
}

int main(void)
{
	const struct sigaction action = { .sa_handler = kicked };
	static struct vm vm;
	int status = EXIT_SUCCESS;

	sigaction(SIGUSR1, &action, NULL);
	create_vm(&vm);
	pthread_mutex_lock(&vm.lock); /* a thread that begins may kick all others */
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		if (pthread_create(&vm.vcpus[cpu].thread, NULL, vcpu_thread, &vm.vcpus[cpu]))
			die("pthread_create");
	inject(&vm);
	pthread_mutex_unlock(&vm.lock);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct vcpu *v = &vm.vcpus[cpu];
		uint64_t counts[2]; /* in this host's byte order, since the guest has the same */

		pthread_join(v->thread, NULL);
		memcpy(counts, vm.memory + AREA + AREA_SIZE * cpu, sizeof(counts));
		printf("vCPU %u: %lu machine checks, %lu system resets\n", cpu, counts[0],
		       counts[1]);
		if (counts[0] != v->machine_checks || counts[1] != v->system_resets)
			status = EXIT_FAILURE;
	}
	return status;
}
