enum JobStorePlaceholder {}
