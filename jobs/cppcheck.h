/* What cppcheck must know of PETSc's control flow: which macros return. It reads no PETSc header. */
#define PETSC_COMM_SELF 0
#define PetscFunctionBegin
#define PetscFunctionBeginUser
#define PetscFunctionReturn(x) return (x)
#define PetscCall(...)                                                                                                 \
  do {                                                                                                                 \
    if (__VA_ARGS__) return 1;                                                                                         \
  } while (0)
#define PetscCallMPI(...)        PetscCall(__VA_ARGS__)
#define PetscCallBack(name, ...) PetscCall(__VA_ARGS__)
int PetscTypeMethod(void *obj, const char op[], ...);
#define PetscTryTypeMethod(obj, op, ...) PetscCall(PetscTypeMethod(obj, #op, ##__VA_ARGS__))
#define PetscUseTypeMethod(obj, op, ...) PetscCall(PetscTypeMethod(obj, #op, ##__VA_ARGS__))
#define PetscValidHeaderSpecific(obj, id, n)
#define PetscCheck(cond, ...)                                                                                          \
  do {                                                                                                                 \
    if (!(cond)) return 1;                                                                                             \
  } while (0)
#define SETERRQ(...) return 1
#define PetscOptionsHeadBegin(...)
#define PetscOptionsHeadEnd()
#define PetscObjectOptionsBegin(obj)
#define PetscOptionsBegin(comm, ...)
#define PetscOptionsEnd()
#define PETSC_EXTERN      extern
#define DINI_PUBLIC       extern
#define DINI_INTERN       extern
#define PETSCHEADER(x)    int hdr
#define PetscStringize(x) #x
#define PetscMax(a, b)    (((a) < (b)) ? (b) : (a))
#define PetscMin(a, b)    (((a) < (b)) ? (a) : (b))
