// Interrupt: Ctrl-C and SIGTERM ask the work to stop at its next step; a second one ends the process at once.
#pragma once

namespace plexus::cli {

/// From now on SIGINT and SIGTERM only set a flag. Other dispositions (nohup's ignored SIGINT) are left alone.
/// A file that outgrows a limit (SIGXFSZ) is from now on the error of a write.
void catch_interrupts();

/// The signal that asked to stop; 0 as long as none did.
int interrupted();

}  // namespace plexus::cli
